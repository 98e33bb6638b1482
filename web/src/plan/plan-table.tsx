import { KindIcon } from '../components/kind-icon';
import { errorLink } from '../run/links';
import type { Plan, PlanService, PlanStep } from '../run/wire';

/** A plan by its stages: for each service what would be done, and why. */
export function PlanTable({ plan: { stages } }: { plan: Plan }) {
  return (
    <>
      {stages.map((stage) => (
        <section key={stage.order} aria-label={`Stage ${stage.name}`}>
          <h3>
            {stage.order} · {stage.name}
          </h3>
          {stage.services.length === 0 ? (
            <p class="quiet">Nothing in this stage</p>
          ) : (
            <ul class="plan-list">
              {stage.services.map((service) => (
                <ServiceItem key={service.name} service={service} />
              ))}
            </ul>
          )}
        </section>
      ))}
    </>
  );
}

function ServiceItem({ service }: { service: PlanService }) {
  return (
    <li>
      <p class="plan-service">
        <KindIcon kind={service.kind} /> <strong>{service.name}</strong> <span class="mono quiet">{service.version}</span>
      </p>
      <div>
        {service.steps.map((step) => (
          <StepItem key={step.phase} step={step} />
        ))}
      </div>
    </li>
  );
}

const SHAPES: Record<string, string> = {
  build: '+',
  release: '↑',
  skip: '⤼',
  stop: '■',
  restart: '↻',
  remove: '−',
  fail: '✗',
};

function StepItem({ step }: { step: PlanStep }) {
  const { does, failure } = step;
  const word = does === 'skip' ? `skip ${step.phase}` : does === 'fail' ? `${step.phase} fails` : does;
  return (
    <div class={`plan-step does-${does}`}>
      <span class="plan-does">
        <span aria-hidden="true">{SHAPES[does] ?? '·'}</span> {word}
      </span>
      <span>
        {step.reason}
        {failure !== undefined && (
          <>
            {' '}
            <a href={errorLink(failure.code)} target="_blank" rel="noreferrer">
              {failure.code}
            </a>
            {failure.hint !== undefined && <span class="plan-note">Next: {failure.hint}</span>}
          </>
        )}
        {(step.bases ?? []).map((base) => {
          if (base.state === 'same') return null;
          const told =
            base.state === 'moved'
              ? `The base image ${base.image} has moved since this image was built; rebuild to take the new one`
              : `Whether the base image ${base.image} has moved is unknown${base.failure === undefined ? '' : `: ${base.failure.message}`}`;
          return (
            <span key={base.image} class="plan-note warn">
              ▲ {told}
            </span>
          );
        })}
      </span>
    </div>
  );
}

import { KindIcon } from '../components/kind-icon';
import { StateMark } from '../components/state-mark';
import type { Run } from './run';
import type { Service, Step } from './wire';

/** What was sealed in a deployment when it was accepted, and what each step came to. */
export function SealedTab({ run }: { run: Run }) {
  return (
    <section aria-label="Plan" class="sealed">
      <p class="quiet">
        Versions and configuration were sealed when the deployment was accepted. What is edited later counts from the next one.
      </p>
      {run.stages.value.map((stage) => (
        <section key={stage.order}>
          <h3>
            {stage.order} · {stage.name}
          </h3>
          {stage.services.length === 0 ? (
            <p class="quiet">Nothing in this stage</p>
          ) : (
            <div class="scrolls">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Service</th>
                    <th scope="col">Version</th>
                    <th scope="col">Build</th>
                    <th scope="col">Release</th>
                  </tr>
                </thead>
                <tbody>
                  {stage.services.map((name) => (
                    <SealedRow key={name} service={run.service(name)?.value} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </section>
      ))}
    </section>
  );
}

function SealedRow({ service }: { service: Service | undefined }) {
  if (service === undefined) return null;
  return (
    <tr>
      <th scope="row">
        <KindIcon kind={service.kind} /> {service.name}
      </th>
      <td class="mono">{service.version}</td>
      <td>{service.build === undefined ? <span class="quiet">none</span> : <StepCell step={service.build} />}</td>
      <td>
        <StepCell step={service.release} />
      </td>
    </tr>
  );
}

function StepCell({ step }: { step: Step }) {
  const why = step.failure?.message ?? step.explanation;
  const facts = [
    step.revision === undefined ? undefined : `revision ${step.revision}`,
    step.key === undefined || step.key === '' ? undefined : `key ${step.key.slice(0, 15)}…`,
    step.image === undefined ? undefined : `image ${step.image.replace('sha256:', '').slice(0, 12)}`,
  ].filter((fact) => fact !== undefined);
  return (
    <>
      <StateMark state={step.state} of="run" />
      {why !== undefined && <span class={step.failure === undefined ? '' : 'bad'}> {why}</span>}
      {facts.length > 0 && (
        <span class="quiet mono" title={[step.key, step.image].filter(Boolean).join('\n')}>
          {' '}
          {facts.join(', ')}
        </span>
      )}
    </>
  );
}

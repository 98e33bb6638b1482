/** The stages of a run as columns, its services as cards. A card draws anew when its own service changes, and no other does. */
import { memo } from 'preact/compat';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { reason } from '../board/card';
import { KindIcon } from '../components/kind-icon';
import { StateMark } from '../components/state-mark';
import { duration, second } from '../environment/clock';
import { ApprovalPanel } from './approval-panel';
import type { Run, RunStage } from './run';
import { failureOf } from './run';
import { endedAt, hasEnded, startedAt } from './states';
import { between, exact } from './times';
import type { Service } from './wire';

/** The board of a run; a card is a link that chooses its service. */
export function RunColumns(props: { run: Run; chosen: string | undefined; choose: (service: string) => void }) {
  const choose = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const card = (event.target as Element).closest<HTMLElement>('[data-service]');
    const service = card?.dataset.service;
    if (service === undefined) return;
    event.preventDefault();
    props.choose(service);
  };
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const board = element.current;
    const card = board?.querySelector('.run-card[aria-current]');
    if (board === null || card === null || card === undefined) return;
    const [outer, inner] = [board.getBoundingClientRect(), card.getBoundingClientRect()];
    if (inner.left < outer.left || inner.right > outer.right) board.scrollLeft += inner.left - outer.left - 16;
    if (inner.top < outer.top || inner.bottom > outer.bottom) board.scrollTop += inner.top - outer.top - 48;
  }, [props.chosen]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the cards are links, which answer to the keyboard by a click
    // biome-ignore lint/a11y/noStaticElementInteractions: the cards are links; one handler serves all of them
    <div class="run-columns" ref={element} onClick={choose}>
      {props.run.stages.value.map((stage) => (
        <Column key={stage.order} run={props.run} stage={stage} chosen={stage.services.find((name) => name === props.chosen)} />
      ))}
    </div>
  );
}

const Column = memo(function Column({ run, stage, chosen }: { run: Run; stage: RunStage; chosen: string | undefined }) {
  const count = stage.services.length;
  return (
    <section class="run-column" aria-label={`Stage ${stage.name}`}>
      <header>
        <span class="run-order" aria-hidden="true">
          {stage.order}
        </span>
        <h2 title={stage.name}>{stage.name}</h2>
        <span class="quiet" title={`${count} ${count === 1 ? 'service' : 'services'}`}>
          {count}
        </span>
        <StageState stage={stage} />
      </header>
      <ApprovalPanel run={run} stage={stage} />
      {count === 0 && <p class="quiet run-nothing">Nothing in this stage</p>}
      <ul>
        {stage.services.map((name) => (
          <li key={name}>
            <Card run={run} name={name} isChosen={name === chosen} />
          </li>
        ))}
      </ul>
    </section>
  );
});

function StageState({ stage }: { stage: RunStage }) {
  return <StateMark state={stage.state.value} of="run" />;
}

const Card = memo(function Card({ run, name, isChosen }: { run: Run; name: string; isChosen: boolean }) {
  const href = useMemo(() => {
    const address = new URL(location.href);
    address.search = `?service=${encodeURIComponent(name)}`;
    return address.href;
  }, [name]);
  const service = run.service(name)?.value;
  if (service === undefined) return null;
  return (
    <a
      class={`run-card is-${service.state}`}
      href={href}
      data-service={name}
      aria-current={isChosen ? 'true' : undefined}
      title={`${name} ${service.version}`}
    >
      <span class="run-card-name">
        <KindIcon kind={service.kind} />
        <strong>{name}</strong>
      </span>
      <span class="run-card-state">
        <StateMark state={service.state} of="run" quiet={service.phase !== undefined} />
        {service.phase !== undefined && <span class={`phase phase-${service.phase}`}>{service.phase}</span>}
        <CardTime service={service} />
      </span>
      <CardReason service={service} />
    </a>
  );
});

function CardTime({ service }: { service: Service }) {
  const from = startedAt(service);
  if (from === undefined || service.state === 'skipped') return null;
  const end = endedAt(service);
  if (end !== undefined) return <span class="seconds">{exact(between(from, end))}</span>;
  return hasEnded(service.state) ? null : <span class="seconds">{duration(between(from, second.value))}</span>;
}

/** Why it failed or was skipped, in one line. */
function CardReason({ service }: { service: Service }) {
  const why = reason(service);
  if (why === undefined) return null;
  return (
    <span class={failureOf(service) === undefined ? 'run-card-reason quiet' : 'run-card-reason bad'} title={why}>
      {why}
    </span>
  );
}

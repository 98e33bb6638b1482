/** A service as a card: what it is, what runs of it, and what was last done to it or is being done now. */
import { memo } from 'preact/compat';
import { useEffect, useRef } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { Age, Elapsed } from '../components/age';
import { KindIcon } from '../components/kind-icon';
import { openMenu } from '../components/menu';
import { StateMark } from '../components/state-mark';
import { useEnvironment } from '../environment/store';
import type { ServiceView } from '../environment/wire';
import { runLink } from '../run/links';
import { useHand } from './board-hand';
import { type Card, doing, reason, stepStart } from './card';
import { SKIPPED } from './columns';
import { dragSource } from './drag';
import { drop } from './lift';

export const CardView = memo(function CardView({ card }: { card: Card }) {
  const store = useEnvironment();
  const hand = useHand();
  const element = useRef<HTMLLIElement>(null);
  const { name } = card;
  useEffect(() => (element.current === null ? undefined : dragSource(element.current, { service: name })), [name]);
  const { kind, wanted, deployed } = card.facts.value;
  const running = card.running.value;
  const run = card.run.value;
  const version = run?.version ?? deployed;
  const carried = hand.carried.value;
  const isCarried = carried?.what === 'service' && carried.name === name;
  return (
    <li
      ref={element}
      class={`card ${isCarried ? 'carried' : ''}`}
      data-service={name}
      data-state={run?.state}
      data-failed={(run ?? card.facts.value.last)?.state === 'failed'}
      data-menu-of={name}
    >
      <div class="card-head">
        <KindIcon kind={kind} />
        <Link
          href={store.link(`/services/${encodeURIComponent(name)}`)}
          class="card-link"
          draggable={false}
          tabIndex={-1}
          data-focus={`service ${name}`}
          aria-description="Space lifts it, M opens its menu"
        >
          {name}
        </Link>
        <CardMenu card={card} />
      </div>
      <div class="card-facts">
        {version !== null && <code title={version}>{version}</code>}
        {wanted !== null && wanted !== version && (
          <code class="quiet" title={`The configuration asks for ${wanted}`}>
            {wanted}
          </code>
        )}
        {running !== null && (
          <span title={running.reason}>
            <StateMark state={running.status} of="running" />
          </span>
        )}
      </div>
      {run === null ? <Last card={card} /> : <Run service={run} />}
    </li>
  );
});

/** What was last done to it. */
function Last({ card }: { card: Card }) {
  const { last } = card.facts.value;
  if (last === null) return <p class="card-last quiet">never deployed</p>;
  return (
    <>
      <p class="card-last">
        <StateMark state={last.state} of="run" />
        <span class="quiet">
          <Link
            class="card-deployment"
            href={runLink(last.id, `?service=${encodeURIComponent(card.name)}`)}
            tabIndex={-1}
            draggable={false}
          >
            #{last.number}
          </Link>{' '}
          <Age at={last.at} />
        </span>
      </p>
      {last.reason !== undefined && <Reason text={last.reason} />}
    </>
  );
}

function Reason({ text }: { text: string }) {
  return (
    <p class="card-reason" title={text}>
      {text}
    </p>
  );
}

/** What the deployment that runs does to it. */
function Run({ service }: { service: ServiceView }) {
  const since = stepStart(service);
  const why = reason(service);
  const isBusy = service.state === 'running' || service.state === 'canceling';
  return (
    <>
      <p class={`card-last ${isBusy ? `phase-${service.phase ?? 'waiting'}` : ''}`}>
        <StateMark state={service.state} of="run" quiet={isBusy} />
        {isBusy && <span>{doing(service)}</span>}
        {since !== undefined && (
          <Elapsed since={since} until={isBusy ? undefined : (service.release.endedAt ?? service.build?.endedAt)} />
        )}
      </p>
      {why !== undefined && <Reason text={why} />}
    </>
  );
}

function CardMenu({ card }: { card: Card }) {
  const store = useEnvironment();
  const hand = useHand();
  const [, navigate] = useLocation();
  const { name } = card;
  const open = (button: HTMLElement) => {
    const { skipped, stage, urls, last } = card.facts.peek();
    const deployment = store.run.deployment.peek() ?? last;
    const ask = (action: 'deploy' | 'restart' | 'stop') => () => {
      hand.asked.value = { action, services: [name] };
    };
    const service = store.link(`/services/${encodeURIComponent(name)}`);
    openMenu(button, name, [
      { text: 'Open', run: () => navigate(service) },
      {
        text: skipped ? `Skip no more (back to ${stage})` : 'Skip',
        run: () => hand.edit(drop(name, skipped ? stage : SKIPPED)),
      },
      {
        text: 'Move to…',
        run: () => {
          hand.moving.value = name;
        },
      },
      {
        text: 'Clone to…',
        run: () => {
          hand.cloning.value = name;
        },
      },
      { text: 'Deploy this…', run: ask('deploy') },
      { text: 'Restart…', run: ask('restart') },
      { text: 'Stop…', run: ask('stop') },
      ...urls.map((url) => ({ text: `Visit ${new URL(url).host}`, run: () => void window.open(url, '_blank', 'noopener') })),
      ...(deployment === null
        ? []
        : [
            {
              text: `Deployment #${deployment.number}`,
              run: () => navigate(runLink(deployment.id, `?service=${encodeURIComponent(name)}`)),
            },
          ]),
      { text: 'Logs', run: () => navigate(`${service}/logs`) },
    ]);
  };
  return (
    <button
      type="button"
      class="small plain menu-button"
      tabIndex={-1}
      aria-haspopup="menu"
      aria-label={`Menu of ${name}`}
      onClick={(event) => open(event.currentTarget)}
    >
      ⋯
    </button>
  );
}

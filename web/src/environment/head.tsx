/** What an environment is, how it is, and what can be done to all of it. */
import { type Signal, useSignal } from '@preact/signals';
import { Link } from 'wouter-preact';
import type { Wire } from '../api/client';
import { CloneButton } from '../clone/clone-button';
import { Age, Elapsed } from '../components/age';
import { StateMark } from '../components/state-mark';
import { ActionDialog } from './action-dialog';
import { useEnvironment } from './store';
import type { Action } from './wire';

type Asked = Exclude<Action, 'rollback'>;

interface ActionLook {
  action: Asked;
  text: string;
  look: string;
}

const ACTIONS: ActionLook[] = [
  { action: 'deploy', text: 'Deploy…', look: 'primary' },
  { action: 'restart', text: 'Restart…', look: '' },
  { action: 'stop', text: 'Stop…', look: '' },
];
const DELETE: ActionLook = { action: 'delete', text: 'Delete…', look: 'danger' };

export function EnvironmentHead() {
  const store = useEnvironment();
  const asked = useSignal<Asked | null>(null);
  const environment = store.environment.value;
  return (
    <header class="environment-head">
      <div>
        <h1>
          {store.project}/{store.name}
        </h1>
        <p class="quiet">
          {environment === null ? (
            'Loading…'
          ) : (
            <>
              {environment.mode} on {environment.target ?? 'the default target'} <Status />{' '}
              <NextRun run={environment.nextRuns?.[0]} />
              <PreviewOf preview={environment.preview} />
            </>
          )}
        </p>
      </div>
      <Running />
      <div class="actions">
        {ACTIONS.map((one) => (
          <ActionButton key={one.action} of={one} asked={asked} />
        ))}
        <CloneButton />
        <ActionButton of={DELETE} asked={asked} />
      </div>
      {asked.value !== null && (
        <ActionDialog
          action={asked.value}
          close={() => {
            asked.value = null;
          }}
        />
      )}
    </header>
  );
}

function ActionButton({ of: { action, text, look }, asked }: { of: ActionLook; asked: Signal<Asked | null> }) {
  const store = useEnvironment();
  const ask = () => {
    asked.value = action;
  };
  return (
    <button type="button" class={look} disabled={store.environment.value === null} onClick={ask}>
      {text}
    </button>
  );
}

/** When the schedules in force start or stop it next, by the clock of whoever looks; by that of the schedule on hover. */
function NextRun({ run }: { run: Wire<'ScheduledRunView'> | undefined }) {
  if (run === undefined) return null;
  const at = new Date(run.at).toLocaleString(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
  return (
    <span>
      · {run.action === 'start' ? 'starts' : 'stops'} by{' '}
      {run.rule === undefined ? 'its schedule' : `the project’s rule ${run.rule}`}{' '}
      <time dateTime={run.at} title={clockOf(run)}>
        {at}
      </time>
    </span>
  );
}

function clockOf({ at, timezone }: Wire<'ScheduledRunView'>): string {
  try {
    const moment = new Date(at);
    return `${moment.toLocaleString(undefined, { timeZone: timezone, dateStyle: 'medium', timeStyle: 'short' })}, ${timezone}`;
  } catch {
    // The browser does not know the zone.
    return timezone;
  }
}

/** The request that a preview was made for. */
function PreviewOf({ preview }: { preview: Wire<'PreviewOfView'> | undefined }) {
  if (preview === undefined) return null;
  const { link, request, title } = preview;
  return (
    <span>
      · preview of {preview.of} for{' '}
      {link === undefined ? (
        request
      ) : (
        <a href={link} target="_blank" rel="noreferrer">
          {request}
        </a>
      )}
      , {title} {preview.over !== undefined && <strong class="warn">({preview.over}; it is being deleted)</strong>}
    </span>
  );
}

function Status() {
  const store = useEnvironment();
  const away = store.away.value;
  const status = store.status.value;
  if (store.connection.value === 'broken') {
    return (
      <strong class="warn" role="status">
        · the connection is lost, what is shown may be old; trying again
      </strong>
    );
  }
  if (away !== null) return <span title={away.hint}>· {away.detail}</span>;
  if (status === null) return null;
  return (
    <>
      · <StateMark state={status} of="running" />
    </>
  );
}

/** The deployment that runs, and how many wait; else the last one. */
function Running() {
  const store = useEnvironment();
  const active = store.active.value;
  const shown = active ?? store.deployments.value[0];
  if (shown === undefined) return null;
  const queued = store.queued.value;
  return (
    <p class={active === null ? 'last-deployment' : 'active-deployment'}>
      <StateMark state={shown.state} of="run" />
      <Link href={`/deployments/${shown.id}`}>
        {shown.action} #{shown.number}
      </Link>
      {active === null ? (
        <span class="quiet">
          <Age at={shown.finishedAt ?? shown.acceptedAt} />
          {shown.trigger !== undefined && ` by ${shown.trigger.actor}`}
        </span>
      ) : (
        <Elapsed since={active.startedAt ?? active.acceptedAt} />
      )}
      {queued > 0 && <span class="quiet">{queued} queued</span>}
    </p>
  );
}

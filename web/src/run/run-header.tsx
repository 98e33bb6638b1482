/** What a run is: action, who asked, state, time; and what can be done about it. */
import { useSignal } from '@preact/signals';
import { Link } from 'wouter-preact';
import type { Connection } from '../api/events';
import { Refusal } from '../api/request';
import { Dialog } from '../components/dialog';
import { StateMark } from '../components/state-mark';
import { tell } from '../components/toasts';
import { TriggerText } from '../components/trigger';
import { duration, second } from '../environment/clock';
import { environmentLink } from './links';
import { cancel } from './requests';
import { progressOf, type Run, type RunHead } from './run';
import { hasEnded } from './states';
import { between, exact, moment } from './times';

const TITLES: Record<string, string> = {
  deploy: 'Deploy',
  stop: 'Stop',
  restart: 'Restart',
  delete: 'Delete',
  rollback: 'Roll back',
};

/** An action as the title of something. */
export function titleOf(action: string): string {
  return TITLES[action] ?? action;
}

export function RunHeader({ run, connection, chosen }: { run: Run; connection: Connection; chosen: string | undefined }) {
  const head = run.head.value;
  return (
    <header class="run-header">
      <div class="run-title">
        <h1>
          {titleOf(head.action)} <span class="run-number">#{head.number}</span>
        </h1>
        <Link href={environmentLink(head.project, head.environment)}>
          {head.project}/{head.environment}
        </Link>
        <span aria-live="polite">
          <StateMark state={head.state} of="run" />
        </span>
        <Elapsed head={head} />
        <Progress run={run} />
        <span class="run-actions">
          <Actions run={run} head={head} chosen={chosen} />
        </span>
      </div>
      <p class="run-facts">
        <span>
          by <TriggerText trigger={head.trigger} />, <time dateTime={head.acceptedAt}>{moment(head.acceptedAt)}</time>
        </span>
        <span>to {head.target}</span>
        <Merged head={head} />
      </p>
      {connection === 'broken' && !hasEnded(head.state) && (
        <p class="run-lost" role="status">
          The server does not answer: what you see may be old. The page goes on by itself when it answers again.
        </p>
      )}
    </header>
  );
}

function Elapsed({ head }: { head: RunHead }) {
  if (head.finishedAt !== undefined) {
    const waited = head.startedAt === undefined ? 0 : between(head.acceptedAt, head.startedAt);
    const text = exact(between(head.startedAt ?? head.acceptedAt, head.finishedAt));
    return (
      <span class="seconds">
        {text}
        {waited >= 1000 && <span class="quiet"> after {exact(waited)} in the queue</span>}
      </span>
    );
  }
  if (head.startedAt === undefined)
    return <span class="quiet">in the queue for {duration(between(head.acceptedAt, second.value))}</span>;
  return <span class="seconds">{duration(between(head.startedAt, second.value))}</span>;
}

function Progress({ run }: { run: Run }) {
  const { ended, all, failed } = progressOf(run.all());
  return (
    <span class="quiet seconds">
      {ended} of {all} done{failed > 0 && <span class="bad">, {failed} failed</span>}
    </span>
  );
}

function Merged({ head }: { head: RunHead }) {
  const merged = head.merged ?? [];
  if (merged.length === 0) return null;
  return (
    <details class="run-merged">
      <summary>
        {merged.length} {merged.length === 1 ? 'later request' : 'later requests'} joined
      </summary>
      <ul>
        {merged.map(({ trigger, at }) => (
          <li key={at}>
            {trigger.actor} through {trigger.source}, {moment(at)}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Actions({ run, head, chosen }: { run: Run; head: RunHead; chosen: string | undefined }) {
  const asked = useSignal<'deployment' | 'service' | null>(null);
  if (hasEnded(head.state)) {
    const again = againOf(head);
    return again === null ? null : (
      <Link class="button" href={environmentLink(head.project, head.environment, `/plan?${again.query}`)}>
        {again.text}
      </Link>
    );
  }
  const service = chosen === undefined ? undefined : run.service(chosen)?.value;
  const canCancelService = service !== undefined && !hasEnded(service.state) && service.state !== 'canceling';
  return (
    <>
      {canCancelService && (
        <button type="button" onClick={() => (asked.value = 'service')}>
          Cancel {service.name}…
        </button>
      )}
      <button type="button" class="danger" disabled={head.state === 'canceling'} onClick={() => (asked.value = 'deployment')}>
        {head.state === 'canceling' ? 'Canceling…' : 'Cancel…'}
      </button>
      {asked.value !== null && (
        <CancelDialog
          id={head.id}
          number={head.number}
          service={asked.value === 'service' ? service?.name : undefined}
          isJob={service?.kind === 'job'}
          close={() => (asked.value = null)}
        />
      )}
    </>
  );
}

/** What may be wanted after the end. */
function againOf(head: RunHead): { text: string; query: string } | null {
  if (head.action === 'rollback') return { text: 'Roll back again…', query: 'action=rollback' };
  if (head.action === 'deploy' && head.state === 'succeeded') {
    return { text: 'Roll back to this…', query: `action=rollback&backTo=${head.number}` };
  }
  return head.state === 'succeeded' ? null : { text: `${titleOf(head.action)} again…`, query: `action=${head.action}` };
}

function CancelDialog(props: { id: string; number: number; service: string | undefined; isJob: boolean; close: () => void }) {
  const { id, number, service, close } = props;
  const force = useSignal(false);
  const what = service ?? `deployment ${number}`;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    close();
    try {
      await cancel(id, service === undefined ? { force: force.value } : { service, force: force.value });
      tell(`${what} is being canceled`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tell(`${what} was not canceled: ${error.message}`);
    }
  };
  return (
    <Dialog title={`Cancel ${what}?`} close={close}>
      <form onSubmit={submit}>
        {service === undefined ? (
          <p>Nothing new begins. Releases that are half done go back to the version before; what is deployed stays.</p>
        ) : (
          <p>It counts as failed: its release goes back to the version before, and no later stage starts.</p>
        )}
        {(service === undefined || props.isJob) && (
          <p>
            <label class="check">
              <input type="checkbox" checked={force.value} onChange={(event) => (force.value = event.currentTarget.checked)} />
              Stop running jobs too, in the middle of their work
            </label>
          </p>
        )}
        <p class="actions">
          <button type="submit" class="danger">
            Cancel {what}
          </button>
          <button type="button" onClick={close}>
            Let it go on
          </button>
        </p>
      </form>
    </Dialog>
  );
}

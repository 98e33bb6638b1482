/** What runs, and what waits behind it with the requests that joined it. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { Refusal } from '../api/request';
import { Elapsed } from '../components/age';
import { StateMark } from '../components/state-mark';
import { tell } from '../components/toasts';
import { TriggerText } from '../components/trigger';
import { runLink } from '../run/links';
import { cancel, deployment } from '../run/requests';
import { titleOf } from '../run/run-header';
import type { Deployment, PastDeployment } from '../run/wire';

/** @param open what has not ended, in the order of its turn */
export function Queue({ open }: { open: PastDeployment[] }) {
  return (
    <section class="queue" aria-label="Queue">
      <h2>Queue</h2>
      <ol>
        {open.map((item) => (
          <li key={item.id}>
            <Waiting item={item} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Waiting({ item }: { item: PastDeployment }) {
  const whole = useSignal<Deployment | null>(null);
  useEffect(() => {
    const aborted = new AbortController();
    deployment(item.id, aborted.signal).then(
      (read) => {
        whole.value = read;
      },
      (error) => {
        if (!(error instanceof Refusal) && !aborted.signal.aborted) throw error;
      },
    );
    return () => aborted.abort();
  }, [item]);
  const stop = async () => {
    try {
      await cancel(item.id, {});
      tell(`#${item.number} is taken out of the queue`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tell(error.message);
    }
  };
  const merged = whole.value?.merged ?? [];
  const services = whole.value?.stages.flatMap((stage) => stage.services).length;
  return (
    <>
      <span class="queue-line">
        <Link href={runLink(item.id)}>
          {titleOf(item.action)} #{item.number}
        </Link>
        <StateMark state={item.state} of="run" />
        <Elapsed since={item.startedAt ?? item.acceptedAt} />
        <span class="quiet">
          by <TriggerText trigger={item.trigger} />
          {services !== undefined && `, ${services} ${services === 1 ? 'service' : 'services'}`}
        </span>
        {item.state === 'queued' && (
          <button type="button" class="small danger" onClick={stop}>
            Cancel #{item.number}
          </button>
        )}
      </span>
      {merged.length > 0 && (
        <span class="quiet queue-joined">
          joined by {merged.map(({ trigger }) => `${trigger.actor} through ${trigger.source}`).join('; ')}
        </span>
      )}
    </>
  );
}

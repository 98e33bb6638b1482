/** The deployments of an environment: the queue on top, then what has ended, newest first, page by page. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { type ProblemDetails, Refusal } from '../api/request';
import { Age } from '../components/age';
import { EmptyState } from '../components/empty-state';
import { Problem } from '../components/problem';
import { StateMark } from '../components/state-mark';
import { TriggerText } from '../components/trigger';
import { useEnvironment } from '../environment/store';
import { environmentLink, runLink } from '../run/links';
import { deployments } from '../run/requests';
import { titleOf } from '../run/run-header';
import { hasEnded } from '../run/states';
import { between, exact } from '../run/times';
import type { PastDeployment, VersionChange } from '../run/wire';
import '../styles/history.css';
import '../styles/run.css';
import { joined } from './pages';
import { Queue } from './queue';

/** Changed versions that are told in a row; the others are counted. */
const TOLD = 3;

export function HistoryPage() {
  const store = useEnvironment();
  const { project, name } = store;
  const items = useSignal<PastDeployment[] | null>(null);
  const cursor = useSignal<string | undefined>(undefined);
  const problem = useSignal<ProblemDetails | null>(null);
  const read = async (more: boolean, signal?: AbortSignal) => {
    try {
      const options = more && cursor.value !== undefined ? { cursor: cursor.value } : {};
      const page = await deployments(project, name, options, signal);
      if (more || items.value === null) cursor.value = page.nextCursor;
      items.value = joined(items.value ?? [], page.items);
      problem.value = null;
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  const seen = store.deployments.value.map((head) => `${head.number} ${head.state}`).join();
  useEffect(() => {
    const aborted = new AbortController();
    void read(false, aborted.signal);
    return () => aborted.abort();
  }, [project, name, seen]);
  if (items.value === null) {
    if (problem.value !== null) return <Problem problem={problem.value} />;
    return <p class="quiet">Reading the deployments…</p>;
  }
  if (items.value.length === 0) {
    return (
      <EmptyState
        title="Nothing has been deployed yet"
        text="Look at what would be done, and deploy it:"
        command={`slipway deploy ${project}/${name}`}
        next={environmentLink(project, name, '/plan')}
        nextText="Plan the first deployment"
      />
    );
  }
  const open = items.value.filter((item) => !hasEnded(item.state));
  return (
    <section aria-label="Deployments">
      {open.length > 0 && <Queue open={open.toReversed()} />}
      {problem.value !== null && <Problem problem={problem.value} />}
      <PastTable items={items.value.filter((item) => hasEnded(item.state))} newest={items.value[0]?.number} />
      {cursor.value !== undefined && (
        <p>
          <button type="button" onClick={() => read(true)}>
            Show earlier ones
          </button>
        </p>
      )}
    </section>
  );
}

/** Those that have ended. */
function PastTable({ items, newest }: { items: PastDeployment[]; newest: number | undefined }) {
  return (
    <div class="scrolls">
      <table class="history">
        <thead>
          <tr>
            <th scope="col">Deployment</th>
            <th scope="col">State</th>
            <th scope="col">Versions</th>
            <th scope="col">By</th>
            <th scope="col">When</th>
            <th scope="col">Took</th>
            <th scope="col">
              <span class="visually-hidden">Go back</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <Past key={item.id} item={item} isNewest={item.number === newest} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Past({ item, isNewest }: { item: PastDeployment; isNewest: boolean }) {
  const { project, environment, number } = item;
  const canGoBack = item.state === 'succeeded' && item.action === 'deploy' && !isNewest;
  return (
    <tr>
      <th scope="row">
        <Link href={runLink(item.id)}>
          {titleOf(item.action)} #{number}
        </Link>
      </th>
      <td>
        <StateMark state={item.state} of="run" />
      </td>
      <td>
        <Changes changes={item.changes} />
      </td>
      <td>
        <TriggerText trigger={item.trigger} />
      </td>
      <td>
        <Age at={item.acceptedAt} />
      </td>
      <td class="seconds">
        {item.finishedAt !== undefined && exact(between(item.startedAt ?? item.acceptedAt, item.finishedAt))}
      </td>
      <td>
        {canGoBack && (
          <Link class="button small" href={environmentLink(project, environment, `/plan?action=rollback&backTo=${number}`)}>
            Roll back to #{number}
          </Link>
        )}
      </td>
    </tr>
  );
}

function Changes({ changes }: { changes: VersionChange[] }) {
  if (changes.length === 0) return <span class="quiet">no change</span>;
  const told = changes.slice(0, TOLD);
  const more = changes.slice(TOLD);
  return (
    <span>
      {told.map(({ service, from, to }) => (
        <span key={service} class="history-change">
          {service}{' '}
          <span class="mono">
            {from !== undefined && <span class="quiet">{from} → </span>}
            {to}
          </span>
        </span>
      ))}
      {more.length > 0 && (
        <span class="quiet" title={more.map(({ service, from, to }) => `${service} ${from ?? 'new'} → ${to}`).join('\n')}>
          and {more.length} more
        </span>
      )}
    </span>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Refusal } from '../api/request';
import { ChangeTable } from '../run/changes-tab';
import { deployments } from '../run/requests';
import type { PastDeployment } from '../run/wire';
import { changesBack } from './changes-back';

/** Pages that are read to find the deployment to go back to. */
const MOST_PAGES = 10;

/** The versions that a rollback would change. */
export function RollbackDifference({ project, environment, backTo }: { project: string; environment: string; backTo: number }) {
  const later = useSignal<PastDeployment[] | null>(null);
  useEffect(() => {
    const aborted = new AbortController();
    readLater(project, environment, backTo, aborted.signal).then(
      (found) => {
        later.value = found;
      },
      (error) => {
        if (!(error instanceof Refusal) && !aborted.signal.aborted) throw error;
      },
    );
    return () => aborted.abort();
  }, [project, environment, backTo]);
  if (later.value === null) return null;
  if (later.value.length === 0) return <p class="quiet">Nothing was deployed after #{backTo}: its versions are the newest.</p>;
  const changes = changesBack(later.value);
  return (
    <section aria-label="Versions">
      <h3>
        Versions go back over {later.value.length} {later.value.length === 1 ? 'deployment' : 'deployments'}
      </h3>
      {changes.length === 0 ? <p class="quiet">No version changes; configuration may.</p> : <ChangeTable changes={changes} />}
    </section>
  );
}

/** The deployments after the one to go back to, newest first. */
async function readLater(project: string, environment: string, backTo: number, signal: AbortSignal): Promise<PastDeployment[]> {
  const found: PastDeployment[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const options = cursor === undefined ? { limit: 100 } : { limit: 100, cursor };
    const read = await deployments(project, environment, options, signal);
    const later = read.items.filter((item) => item.number > backTo);
    found.push(...later);
    cursor = read.nextCursor;
    if (later.length < read.items.length || cursor === undefined) break;
  }
  return found;
}

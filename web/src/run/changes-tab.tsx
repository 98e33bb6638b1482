import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type ProblemDetails, Refusal } from '../api/request';
import { Problem } from '../components/problem';
import { deployments } from './requests';
import type { Run } from './run';
import type { PastDeployment, VersionChange } from './wire';

/** The versions that a deployment changed. */
export function ChangesTab({ run }: { run: Run }) {
  const { project, environment, number } = run.head.value;
  const found = useSignal<PastDeployment | null>(null);
  const problem = useSignal<ProblemDetails | null>(null);
  useEffect(() => {
    const aborted = new AbortController();
    const read = async () => {
      try {
        const page = await deployments(project, environment, { cursor: String(number + 1), limit: 1 }, aborted.signal);
        found.value = page.items.find((item) => item.number === number) ?? null;
      } catch (error) {
        if (aborted.signal.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        problem.value = error.problem;
      }
    };
    void read();
    return () => aborted.abort();
  }, [project, environment, number]);
  if (problem.value !== null) return <Problem problem={problem.value} />;
  if (found.value === null) return <p class="quiet">Reading the changes…</p>;
  return (
    <section aria-label="Changes">
      {found.value.changes.length === 0 ? (
        <p class="quiet">Every version is that of the deployment before. Configuration may have changed.</p>
      ) : (
        <ChangeTable changes={found.value.changes} />
      )}
    </section>
  );
}

/** Versions before and after. */
export function ChangeTable({ changes }: { changes: VersionChange[] }) {
  return (
    <div class="scrolls">
      <table>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">Before</th>
            <th scope="col">Since then</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ service, from, to }) => (
            <tr key={service}>
              <th scope="row">{service}</th>
              <td class="mono">{from ?? <span class="quiet">new</span>}</td>
              <td class="mono">{to}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

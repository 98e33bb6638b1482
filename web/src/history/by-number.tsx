import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Redirect, useParams } from 'wouter-preact';
import { type ProblemDetails, Refusal } from '../api/request';
import { EmptyState } from '../components/empty-state';
import { Problem } from '../components/problem';
import { useEnvironment } from '../environment/store';
import { environmentLink, runLink } from '../run/links';
import { deployments } from '../run/requests';

/** Finds a deployment by its number, and goes to its page. */
export function DeploymentByNumber() {
  const { project, name } = useEnvironment();
  const number = Number(useParams<{ number: string }>().number);
  const id = useSignal<string | null | undefined>(undefined);
  const problem = useSignal<ProblemDetails | null>(null);
  useEffect(() => {
    const find = async () => {
      try {
        const options = { cursor: String(number + 1), limit: 1 };
        const page = Number.isSafeInteger(number) && number > 0 ? await deployments(project, name, options) : { items: [] };
        id.value = page.items.find((item) => item.number === number)?.id ?? null;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        problem.value = error.problem;
      }
    };
    void find();
  }, [project, name, number]);
  if (problem.value !== null) return <Problem problem={problem.value} />;
  if (id.value === undefined) return <p class="quiet">Looking for deployment {number}…</p>;
  if (id.value !== null) return <Redirect to={`${runLink(id.value)}${location.search}`} replace />;
  return (
    <EmptyState
      title={`${project}/${name} has no deployment ${number} any more`}
      next={environmentLink(project, name, '/deployments')}
      nextText="All deployments"
    />
  );
}

/** What a deployment would do and why, before it is asked for; its address is the request. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useLocation, useSearch } from 'wouter-preact';
import { type ProblemDetails, Refusal } from '../api/request';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import { useEnvironment } from '../environment/store';
import { environmentLink, runLink } from '../run/links';
import { deploy, plan } from '../run/requests';
import type { Plan } from '../run/wire';
import '../styles/plan.css';
import '../styles/run.css';
import { PlanForm } from './plan-form';
import { PlanTable } from './plan-table';
import { bodyOf, doingOf, queryOf, type Wanted, wantedOf } from './request';
import { RollbackDifference } from './rollback-difference';

export function PlanPage() {
  const store = useEnvironment();
  const { project, name } = store;
  const search = useSearch();
  const [, navigate] = useLocation();
  const sending = useSignal(false);
  const wanted = wantedOf(new URLSearchParams(search));
  const { found, problem } = usePlan(project, name, search);
  const change = (next: Wanted) => {
    const query = String(queryOf(next));
    navigate(environmentLink(project, name, `/plan${query === '' ? '' : `?${query}`}`), { replace: true });
  };
  const send = async () => {
    sending.value = true;
    try {
      const accepted = await deploy(project, name, bodyOf(wanted));
      tell(accepted.joined ? `Joined with #${accepted.number}, which is queued` : `#${accepted.number} is accepted`);
      navigate(runLink(accepted.id));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
      sending.value = false;
    }
  };
  return (
    <section class="plan" aria-label="Plan">
      <PlanForm wanted={wanted} services={store.environment.value?.services ?? []} change={change} />
      {wanted.action === 'rollback' && wanted.backTo !== undefined && (
        <RollbackDifference project={project} environment={name} backTo={wanted.backTo} />
      )}
      {problem.value !== null && <Problem problem={problem.value} />}
      {found.value === null && problem.value === null && (
        <p class="quiet" role="status">
          Reading repositories and registries to find out what would be done…
        </p>
      )}
      {found.value !== null && (
        <>
          <p class="plan-do">
            <button
              type="button"
              class={wanted.action === 'delete' ? 'danger' : 'primary'}
              disabled={sending.value}
              onClick={send}
            >
              {doingOf(wanted)}
            </button>
            <Summary plan={found.value} />
          </p>
          <PlanTable plan={found.value} />
        </>
      )}
    </section>
  );
}

/** The plan of the request that a query is, read anew when that changes. */
function usePlan(project: string, name: string, search: string) {
  const found = useSignal<Plan | null>(null);
  const problem = useSignal<ProblemDetails | null>(null);
  useEffect(() => {
    let isOld = false;
    found.value = null;
    problem.value = null;
    plan(project, name, bodyOf(wantedOf(new URLSearchParams(search)))).then(
      (read) => {
        if (!isOld) found.value = read;
      },
      (error) => {
        if (!(error instanceof Refusal)) throw error;
        if (!isOld) problem.value = error.problem;
      },
    );
    return () => {
      isOld = true;
    };
  }, [project, name, search]);
  return { found, problem };
}

function Summary({ plan: { stages } }: { plan: Plan }) {
  const steps = stages.flatMap((stage) => stage.services).flatMap((service) => service.steps);
  const counts = new Map<string, number>();
  for (const { does } of steps) counts.set(does, (counts.get(does) ?? 0) + 1);
  const words: [string, string, string][] = [
    ['build', 'build', 'builds'],
    ['release', 'release', 'releases'],
    ['restart', 'restart', 'restarts'],
    ['stop', 'stop', 'stops'],
    ['remove', 'removal', 'removals'],
    ['skip', 'step skipped', 'steps skipped'],
  ];
  const told = words.flatMap(([does, one, many]) => {
    const count = counts.get(does) ?? 0;
    return count === 0 ? [] : `${count} ${count === 1 ? one : many}`;
  });
  const fails = counts.get('fail') ?? 0;
  return (
    <span role="status">
      {told.length === 0 && fails === 0 ? 'There is nothing to do' : told.join(', ')}
      {fails > 0 && (
        <strong class="bad">
          {told.length > 0 && ', '}
          {fails} would fail
        </strong>
      )}
    </span>
  );
}

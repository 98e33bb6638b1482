/** All environments, by project: how each is, and what was last done to it. The filter is part of the address. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Link, useSearchParams } from 'wouter-preact';
import { type ProblemDetails, Refusal } from '../api/request';
import { Age } from '../components/age';
import { EmptyState } from '../components/empty-state';
import { Problem } from '../components/problem';
import { StateMark } from '../components/state-mark';
import { listEnvironments } from '../environment/calls';
import type { EnvironmentView } from '../environment/wire';

export function EnvironmentsPage() {
  const environments = useSignal<EnvironmentView[] | null>(null);
  const problem = useSignal<ProblemDetails | null>(null);
  const [search, setSearch] = useSearchParams();
  const load = async () => {
    try {
      environments.value = await listEnvironments();
      problem.value = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  useEffect(() => void load(), []);
  const all = environments.value;
  if (problem.value !== null) {
    return (
      <>
        <h1>Environments</h1>
        <Problem problem={problem.value} />
        <button type="button" onClick={load}>
          Try again
        </button>
      </>
    );
  }
  if (all?.length === 0) {
    return (
      <EmptyState
        title="No environments yet"
        text="An environment file brings one up:"
        command="slipway deploy -f slipway.yaml"
      />
    );
  }
  const filter = search.get('filter') ?? '';
  const shown = (all ?? []).filter((one) => `${one.project}/${one.name} ${one.mode}`.includes(filter.trim().toLowerCase()));
  return (
    <>
      <div class="list-head">
        <h1>Environments</h1>
        <input
          type="search"
          aria-label="Filter environments"
          placeholder="Filter"
          value={filter}
          onInput={(event) =>
            setSearch(event.currentTarget.value === '' ? {} : { filter: event.currentTarget.value }, { replace: true })
          }
        />
      </div>
      {all === null ? <p class="quiet">Loading…</p> : <Projects environments={shown} filter={filter} />}
    </>
  );
}

function Projects({ environments, filter }: { environments: EnvironmentView[]; filter: string }) {
  if (environments.length === 0) return <p class="quiet">No environment has “{filter}” in its name or mode.</p>;
  const projects = Map.groupBy(environments, (environment) => environment.project);
  return [...projects].map(([project, members]) => (
    <section key={project} class="project">
      <h2>{project}</h2>
      <ul class="environment-list">
        {members.map((environment) => (
          <Row key={environment.name} environment={environment} />
        ))}
      </ul>
    </section>
  ));
}

function Row({ environment }: { environment: EnvironmentView }) {
  const { project, name, mode, target, services, lastDeployment } = environment;
  return (
    <li class="environment-row">
      <Link href={`/environments/${project}/${name}`}>{name}</Link>
      <span class="quiet">{mode}</span>
      <span class="quiet">{target ?? 'default target'}</span>
      <span>
        {services.length} {services.length === 1 ? 'service' : 'services'}
      </span>
      {lastDeployment === undefined ? (
        <span class="quiet">never deployed</span>
      ) : (
        <span class="row-deployment">
          <StateMark state={lastDeployment.state} of="run" />
          <Link href={`/deployments/${lastDeployment.id}`}>
            {lastDeployment.action} #{lastDeployment.number}
          </Link>
          <span class="quiet">
            <Age at={lastDeployment.finishedAt ?? lastDeployment.acceptedAt} />
          </span>
        </span>
      )}
    </li>
  );
}

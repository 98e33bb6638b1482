/** All environments, by project: how each is, and what was last done to it. The filter is part of the address. */
import { useEffect, useMemo } from 'preact/hooks';
import { Link, useSearchParams } from 'wouter-preact';
import { Age } from '../components/age';
import { EmptyState } from '../components/empty-state';
import { Problem } from '../components/problem';
import { StateMark } from '../components/state-mark';
import { OverviewStore } from '../environment/overview';
import type { OverviewView } from '../environment/wire';

export function EnvironmentsPage() {
  const store = useMemo(() => new OverviewStore(), []);
  const [search, setSearch] = useSearchParams();
  useEffect(() => {
    void store.open();
    return () => store.close();
  }, [store]);
  const all = store.environments.value;
  const problem = store.problem.value;
  if (problem !== null) {
    return (
      <>
        <h1>Environments</h1>
        <Problem problem={problem} />
        <button type="button" onClick={() => store.open()}>
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
        next="/new"
        nextText="Or make one here"
      />
    );
  }
  const filter = search.get('filter') ?? '';
  const change = (text: string) => setSearch(text === '' ? {} : { filter: text }, { replace: true });
  const wanted = filter.trim().toLowerCase();
  const shown = (all ?? []).filter((one) => `${one.project}/${one.name} ${one.mode}`.includes(wanted));
  return (
    <>
      <div class="list-head">
        <h1>Environments</h1>
        <input
          type="search"
          aria-label="Filter environments"
          placeholder="Filter"
          value={filter}
          onInput={(event) => change(event.currentTarget.value)}
        />
        <Link class="button" href="/new">
          New environment
        </Link>
      </div>
      {store.connection.value === 'broken' && (
        <p class="warn" role="status">
          The connection is lost, what is shown may be old; trying again
        </p>
      )}
      {all === null ? <p class="quiet">Loading…</p> : <Projects environments={shown} filter={filter} />}
    </>
  );
}

function Projects({ environments, filter }: { environments: readonly OverviewView[]; filter: string }) {
  if (environments.length === 0) return <p class="quiet">No environment has “{filter}” in its name or mode.</p>;
  const projects = Map.groupBy(environments, (environment) => environment.project);
  return [...projects].map(([project, members]) => (
    <section key={project} class="project">
      <h2>
        <Link href={`/projects/${project}`}>{project}</Link>
      </h2>
      <ul class="environment-list">
        {members.map((environment) => (
          <Row key={environment.name} environment={environment} />
        ))}
      </ul>
    </section>
  ));
}

function Row({ environment }: { environment: OverviewView }) {
  const { project, name, mode, target, services, lastDeployment, running } = environment;
  return (
    <li class="environment-row">
      <Link href={`/environments/${project}/${name}`}>{name}</Link>
      <span class="quiet">{mode}</span>
      <span class="quiet">{target ?? 'default target'}</span>
      <span>
        {services} {services === 1 ? 'service' : 'services'}
      </span>
      <span>{running !== undefined && <StateMark state={running} of="running" />}</span>
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

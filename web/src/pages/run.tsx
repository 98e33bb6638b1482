/** One deployment: live while it runs, and what became of it afterwards. */
import { lazy, Suspense } from 'preact/compat';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { EmptyState } from '../components/empty-state';
import { Problem } from '../components/problem';
import { LogView } from '../log/log-view';
import { ChangesTab } from '../run/changes-tab';
import { FailurePanel } from '../run/failure-panel';
import { changed, useQuery } from '../run/query';
import { failureOf, type Run, serviceOfInterest } from '../run/run';
import { RunColumns } from '../run/run-columns';
import { RunHeader, titleOf } from '../run/run-header';
import { RunSession } from '../run/run-session';
import { SealedTab } from '../run/sealed-tab';
import '../styles/environment.css';
import '../styles/run.css';

const Waterfall = lazy(() => import('../waterfall/waterfall-tab').then((module) => module.WaterfallTab));

const TABS = ['log', 'waterfall', 'plan', 'changes'] as const;
const TITLES = { log: 'Log', waterfall: 'Waterfall', plan: 'Plan', changes: 'Changes' };

export function RunPage({ id }: { id: string }) {
  const session = useMemo(() => new RunSession(id), [id]);
  useEffect(() => {
    void session.open();
    return () => session.close();
  }, [session]);
  const problem = session.problem.value;
  const run = session.run.value;
  if (problem?.status === 404) return <EmptyState title="There is no such deployment" next="/" nextText="All environments" />;
  if (run === null) {
    if (problem === null) return <Skeleton />;
    return (
      <>
        <Problem problem={problem} />
        <button type="button" onClick={() => session.open()}>
          Try again
        </button>
      </>
    );
  }
  return (
    <>
      {problem !== null && <Problem problem={problem} />}
      <RunView key={id} session={session} run={run} />
    </>
  );
}

/** The shape of the page before it is there. */
function Skeleton() {
  return (
    <div class="run-skeleton" role="status">
      <span class="visually-hidden">Reading the deployment</span>
      <div class="bone bone-title" />
      <div class="bone bone-columns" />
      <div class="bone bone-log" />
    </div>
  );
}

function RunView({ session, run }: { session: RunSession; run: Run }) {
  const [query, change] = useQuery();
  const [path, navigate] = useLocation();
  const shown = useRef<string | undefined>(undefined);
  const asked = query.get('service') ?? undefined;
  const chosen = asked !== undefined && run.names().includes(asked) ? asked : serviceOfInterest(run.all(), shown.current);
  shown.current = chosen;
  const tab = TABS.find((known) => known === query.get('tab')) ?? 'log';
  const head = run.head.value;
  useEffect(() => {
    document.title = `${titleOf(head.action)} #${head.number}: ${head.state} · ${head.project}/${head.environment}`;
    return () => {
      document.title = 'Slipway';
    };
  }, [head]);
  const choose = (service: string) => {
    const next = changed(query, { service, phase: null, line: null, search: null, tab: tab === 'waterfall' ? tab : null });
    navigate(`${path}?${next}`);
  };
  return (
    <div class="run">
      <RunHeader run={run} connection={session.connection.value} chosen={chosen} />
      <RunColumns run={run} chosen={chosen} choose={choose} />
      <nav class="tabs" aria-label="Deployment">
        {TABS.map((name) => (
          <Link
            key={name}
            href={`${path}?${changed(query, { tab: name === 'log' ? null : name })}`}
            aria-current={name === tab ? 'page' : undefined}
          >
            {TITLES[name]}
          </Link>
        ))}
      </nav>
      {tab === 'log' && chosen !== undefined && <LogTab key={chosen} session={session} run={run} service={chosen} />}
      {tab === 'log' && chosen === undefined && <p class="quiet">Nothing takes part in this deployment.</p>}
      {tab === 'waterfall' && (
        <Suspense fallback={<p class="quiet">Reading what happened…</p>}>
          <Waterfall
            session={session}
            run={run}
            chosen={chosen}
            open={(service, phase) => change({ service, phase, tab: null, line: null })}
          />
        </Suspense>
      )}
      {tab === 'plan' && <SealedTab run={run} />}
      {tab === 'changes' && <ChangesTab run={run} />}
    </div>
  );
}

function LogTab({ session, run, service }: { session: RunSession; run: Run; service: string }) {
  const found = run.service(service)?.value;
  const failure = found === undefined ? undefined : failureOf(found);
  return (
    <section class="run-log" aria-label={`Log of ${service}`}>
      <h2>{service}</h2>
      {found !== undefined && failure !== undefined && (
        <FailurePanel
          service={service}
          phase={found.build?.failure === undefined ? 'release' : 'build'}
          failure={failure}
          number={run.head.value.number}
        />
      )}
      <LogView session={session} run={run} service={service} />
    </section>
  );
}

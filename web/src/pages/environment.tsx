/** The frame of an environment: what it is, how it is, what can be done to it, and its tabs. A tab is a line of {@link TABS}. */
import type { ComponentType } from 'preact';
import { lazy, Suspense } from 'preact/compat';
import { useEffect, useMemo } from 'preact/hooks';
import { Link, Route, Switch, useLocation } from 'wouter-preact';
import { BoardPage } from '../board/board-page';
import { EmptyState } from '../components/empty-state';
import { Problem } from '../components/problem';
import { EnvironmentHead } from '../environment/head';
import { EnvironmentProvider, EnvironmentStore, useEnvironment } from '../environment/store';
import '../styles/environment.css';

const HistoryPage = lazy(() => import('../history/history-page').then((module) => module.HistoryPage));
const DeploymentByNumber = lazy(() => import('../history/by-number').then((module) => module.DeploymentByNumber));
const PlanPage = lazy(() => import('../plan/plan-page').then((module) => module.PlanPage));
const VariablesPage = lazy(() => import('./configuration').then((module) => module.VariablesPage));
const FilePage = lazy(() => import('./configuration').then((module) => module.FilePage));
const EnvironmentSettingsPage = lazy(() => import('./configuration').then((module) => module.EnvironmentSettingsPage));
const ServicePage = lazy(() => import('./configuration').then((module) => module.ServicePage));
const PodLogPage = lazy(() => import('./pod-log').then((module) => module.PodLogPage));

/** The pages below an environment; those with a text are tabs. Their paths are below `/environments/:project/:name`. */
const PAGES: { path: string; text?: string; component: ComponentType }[] = [
  { path: '', text: 'Board', component: BoardPage },
  { path: '/deployments', text: 'Deployments', component: HistoryPage },
  { path: '/deployments/:number', component: DeploymentByNumber },
  { path: '/plan', text: 'Plan', component: PlanPage },
  { path: '/services/:service/logs', component: PodLogPage },
  { path: '/variables', text: 'Variables', component: VariablesPage },
  { path: '/file', text: 'File', component: FilePage },
  { path: '/settings', text: 'Settings', component: EnvironmentSettingsPage },
  { path: '/services/:service', component: ServicePage },
];

/** One environment. */
export function EnvironmentPage({ project, name }: { project: string; name: string }) {
  const store = useMemo(() => new EnvironmentStore(project, name), [project, name]);
  useEffect(() => {
    document.title = `${project}/${name} · Slipway`;
    store.open();
    return () => {
      store.close();
      document.title = 'Slipway';
    };
  }, [store]);
  const problem = store.problem.value;
  if (problem?.status === 404) {
    return <EmptyState title={`There is no environment ${project}/${name}`} next="/" nextText="All environments" />;
  }
  if (problem !== null) {
    return (
      <>
        <h1>
          {project}/{name}
        </h1>
        <Problem problem={problem} />
        <button type="button" onClick={() => store.open()}>
          Try again
        </button>
      </>
    );
  }
  return (
    <EnvironmentProvider value={store}>
      <EnvironmentHead />
      <Tabs />
      <Switch>
        {PAGES.map(({ path, component: Page }) => (
          <Route key={path} path={`/environments/:project/:name${path}`}>
            <Suspense fallback={<p class="quiet">Loading…</p>}>
              <Page />
            </Suspense>
          </Route>
        ))}
        <Route>
          <EmptyState title="There is no such page" next={store.link()} nextText={`Board of ${project}/${name}`} />
        </Route>
      </Switch>
    </EnvironmentProvider>
  );
}

function Tabs() {
  const store = useEnvironment();
  const [location] = useLocation();
  return (
    <nav class="tabs" aria-label="Environment">
      {PAGES.map(
        ({ path, text }) =>
          text !== undefined && (
            <Link key={path} href={store.link(path)} aria-current={location === store.link(path) ? 'page' : undefined}>
              {text}
            </Link>
          ),
      )}
    </nav>
  );
}

/** The frame of every page: who is signed in, where one is, and the page of the address. */
import { lazy, Suspense } from 'preact/compat';
import { Link, Route, Router, Switch } from 'wouter-preact';
import { token } from './api/session';
import { EmptyState } from './components/empty-state';
import { MenuLayer } from './components/menu';
import { Toasts } from './components/toasts';
import { EnvironmentsPage } from './pages/environments';
import { SignInPage } from './pages/sign-in';

const EnvironmentPage = lazy(() => import('./pages/environment').then((module) => module.EnvironmentPage));
const NewPage = lazy(() => import('./pages/configuration').then((module) => module.NewPage));
const ProjectPage = lazy(() => import('./pages/configuration').then((module) => module.ProjectPage));
const TargetsPage = lazy(() => import('./pages/server').then((module) => module.TargetsPage));
const SettingsPage = lazy(() => import('./pages/server').then((module) => module.SettingsPage));
const RunPage = lazy(() => import('./pages/run').then((module) => module.RunPage));

/** The path that the server serves the page under, without its last slash. */
const prefix = new URL(document.baseURI).pathname.replace(/\/$/, '');

export function App() {
  return (
    <Router base={prefix}>
      <a class="skip-link" href="#main">
        Skip to content
      </a>
      <header class="top">
        <Link class="brand" href="/">
          Slipway
        </Link>
        {token.value !== null && (
          <nav aria-label="Server">
            <Link href="/targets">Targets</Link>
            <Link href="/settings">Settings</Link>
          </nav>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {token.value === null ? <SignInPage /> : <Pages />}
      </main>
      <MenuLayer />
      <Toasts />
    </Router>
  );
}

function Pages() {
  return (
    <Suspense fallback={<p class="quiet">Loading…</p>}>
      <Switch>
        <Route path="/" component={EnvironmentsPage} />
        <Route path="/new" component={NewPage} />
        <Route path="/targets" component={TargetsPage} />
        <Route path="/settings" component={SettingsPage} />
        <Route path="/environments/:project/:name/*?">
          {(params) => <EnvironmentPage project={params.project} name={params.name} />}
        </Route>
        <Route path="/projects/:project">{(params) => <ProjectPage key={params.project} project={params.project} />}</Route>
        <Route path="/deployments/:id">{(params) => <RunPage id={params.id} />}</Route>
        <Route>
          <EmptyState title="There is no such page" next="/" nextText="All environments" />
        </Route>
      </Switch>
    </Suspense>
  );
}

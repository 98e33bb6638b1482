/** The settings: of this browser, of the server, and the credentials of projects. */
import { useSignal } from '@preact/signals';
import { useSearchParams } from 'wouter-preact';
import { signOut } from '../api/session';
import { CopyButton } from '../components/copy-button';
import { Problem } from '../components/problem';
import { listEnvironments } from '../environment/calls';
import * as calls from './calls';
import { ChecksTable } from './checks-table';
import { Credentials } from './credentials';
import { Notifications } from './notifications';
import { chooseTheme, type Theme, theme } from './theme';
import { useLoaded } from './use-loaded';
import { Webhooks } from './webhooks';

const THEMES: [Theme, string][] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function SettingsPage() {
  const version = useLoaded(calls.readVersion, []);
  return (
    <>
      <h1>Settings</h1>
      <section class="settings-section" aria-label="This browser">
        <h2>This browser</h2>
        <fieldset class="switch">
          <legend class="form-label">Colours</legend>
          {THEMES.map(([value, text]) => (
            <button key={value} type="button" aria-pressed={theme.value === value} onClick={() => chooseTheme(value)}>
              {text}
            </button>
          ))}
        </fieldset>
        <p>
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        </p>
      </section>
      <ProjectCredentials />
      <Webhooks />
      <Notifications />
      <section class="settings-section" aria-label="The server">
        <h2>The server</h2>
        {version.problem !== null && <Problem problem={version.problem} />}
        <p>Slipway {version.value?.version ?? '…'}</p>
        <p>A new key for what is encrypted at rest is made in a terminal of the server’s machine:</p>
        <p class="command">
          <code>slipway key rotate</code>
          <CopyButton text="slipway key rotate" />
        </p>
      </section>
      <ChecksTable />
    </>
  );
}

function ProjectCredentials() {
  const [search, setSearch] = useSearchParams();
  const environments = useLoaded(listEnvironments, []);
  const typed = useSignal('');
  const known = [...new Set((environments.value ?? []).map((environment) => environment.project))].sort();
  const project = search.get('project') ?? known[0] ?? '';
  const choose = (next: string) => setSearch(next === '' ? {} : { project: next }, { replace: true });
  const open = (event: SubmitEvent) => {
    event.preventDefault();
    choose(typed.value.trim());
  };
  const names = project === '' || known.includes(project) ? known : [...known, project];
  return (
    <section class="settings-section" aria-label="Credentials">
      <h2>Credentials</h2>
      <p class="quiet">
        What a project reads private repositories and registries with. A credential is sent to its place alone.
      </p>
      <div class="inline-form">
        {names.length > 0 && (
          <label>
            Project{' '}
            <select value={project} onInput={(event) => choose(event.currentTarget.value)}>
              {names.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <form class="inline-form" onSubmit={open}>
          <label>
            {names.length > 0 ? 'or another' : 'Project'}{' '}
            <input
              value={typed.value}
              spellcheck={false}
              onInput={(event) => {
                typed.value = event.currentTarget.value;
              }}
            />
          </label>
          <button type="submit" disabled={typed.value.trim() === ''}>
            Show
          </button>
        </form>
      </div>
      {project !== '' && <Credentials key={project} project={project} />}
    </section>
  );
}

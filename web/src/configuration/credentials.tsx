/** What a project reads private repositories and registries with: listed, set and deleted; what is secret in it is never shown. */
import { type Signal, useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { type ProblemDetails, Refusal } from '../api/request';
import { ConfirmedButton } from '../components/confirmed-button';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import * as calls from './calls';
import { FormText } from './form-text';
import { useLoaded } from './use-loaded';
import type { NewCredential } from './wire';

/** How a credential proves who asks. */
type Login = 'git-password' | 'git-key' | 'registry';

export function Credentials({ project }: { project: string }) {
  const credentials = useLoaded(() => calls.listCredentials(project), [project]);
  const problem = useSignal<ProblemDetails | null>(null);
  const remove = async (name: string) => {
    try {
      await calls.removeCredential(project, name);
      tell(`The credential ${name} of ${project} is deleted`);
      problem.value = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
    await credentials.again();
  };
  if (credentials.problem !== null) return <Problem problem={credentials.problem} />;
  if (credentials.value === null) return <p class="quiet">Reading the credentials…</p>;
  return (
    <>
      {credentials.value.length === 0 ? (
        <p class="quiet">{project} has none: it reads what everybody may read.</p>
      ) : (
        <div class="table-scroll">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Is sent to</th>
                <th scope="col">By</th>
                <th scope="col">
                  <span class="visually-hidden">Delete</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {credentials.value.map(({ name, kind, place, login, user }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>
                    {kind} <code>{place}</code>
                  </td>
                  <td>
                    {login}
                    {user !== undefined && ` of ${user}`}
                  </td>
                  <td>
                    <ConfirmedButton text="Delete" about={name} run={() => remove(name)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {problem.value !== null && <Problem problem={problem.value} />}
      <SetCredential project={project} done={credentials.again} />
    </>
  );
}

function SetCredential({ project, done }: { project: string; done: () => Promise<void> }) {
  const login = useSignal<Login>('git-password');
  const name = useSignal('');
  const place = useSignal('');
  const user = useSignal('');
  const secret = useSignal('');
  const hostKeys = useSignal('');
  const problem = useSignal<ProblemDetails | null>(null);
  const set = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await calls.setCredential(project, name.value.trim(), made());
      // Nothing of it stays on the page.
      secret.value = '';
      problem.value = null;
      tell(`The credential ${name.value} of ${project} is set`);
      await done();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  const made = (): NewCredential => {
    const where = login.value === 'registry' ? { registry: place.value.trim() } : { git: place.value.trim() };
    const who = user.value.trim() === '' || login.value === 'git-key' ? {} : { user: user.value.trim() };
    if (login.value !== 'git-key') return { ...where, ...who, password: secret.value };
    const known = hostKeys.value.trim() === '' ? {} : { hostKeys: hostKeys.value };
    return { ...where, privateKey: secret.value.endsWith('\n') ? secret.value : `${secret.value}\n`, ...known };
  };
  const isKey = login.value === 'git-key';
  return (
    <form class="settings-form" onSubmit={set} aria-label={`Set a credential of ${project}`}>
      <h3>Set a credential</h3>
      <LoginChoice login={login} />
      <FormText value={name} label="Name" required help="One of this name is replaced." />
      <FormText
        value={place}
        label="Is sent to"
        required
        help={
          login.value === 'registry'
            ? 'Such as ghcr.io, or docker.io/acme.'
            : isKey
              ? 'Such as ssh://git@github.com.'
              : 'Such as https://github.com/acme.'
        }
      />
      {!isKey && <FormText value={user} label="User" help={login.value === 'registry' ? '' : 'Absent: x-access-token.'} />}
      {isKey ? (
        <KeyFields secret={secret} hostKeys={hostKeys} />
      ) : (
        <FormText value={secret} type="password" label="Password or token" required />
      )}
      {problem.value !== null && <Problem problem={problem.value} />}
      <button type="submit" class="primary">
        Set credential
      </button>
    </form>
  );
}

function LoginChoice({ login }: { login: Signal<Login> }) {
  const id = useId();
  return (
    <div class="field">
      <label for={`${id}-login`}>For</label>
      <select
        id={`${id}-login`}
        value={login.value}
        onInput={(event) => {
          login.value = event.currentTarget.value as Login;
        }}
      >
        <option value="git-password">a git host, by password or token</option>
        <option value="git-key">a git host, by an SSH key</option>
        <option value="registry">a registry, by password or token</option>
      </select>
    </div>
  );
}

function KeyFields({ secret, hostKeys }: { secret: Signal<string>; hostKeys: Signal<string> }) {
  return (
    <>
      <FormText value={secret} lines={4} label="Private key" required help="As ssh-keygen writes it, without a passphrase." />
      <FormText
        value={hostKeys}
        lines={2}
        label="Keys of the host"
        help="As ssh-keyscan writes them. Absent: the first that it shows is remembered."
      />
    </>
  );
}

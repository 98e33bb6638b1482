/** The secrets that an environment or a project declares: whether they have a value, and a way to set one. A value goes to the server and never back. */
import { useSignal } from '@preact/signals';
import { type ProblemDetails, Refusal } from '../api/request';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import type { Secrets } from './calls';
import { useLoaded } from './use-loaded';
import type { SecretView } from './wire';

interface Props {
  secrets: Secrets;
  /** What is declared may differ with it. */
  version?: number | undefined;
  /** What to do when none is declared. */
  empty: string;
}

export function SecretsTable({ secrets: owner, version, empty }: Props) {
  const secrets = useLoaded(owner.list, [version]);
  if (secrets.problem !== null) return <Problem problem={secrets.problem} />;
  if (secrets.value === null) return <p class="quiet">Reading the secrets…</p>;
  const missing = secrets.value.filter((secret) => !secret.set).length;
  return (
    <section aria-label="Secrets">
      <h2>Secrets</h2>
      {secrets.value.length === 0 ? (
        <p class="quiet">{empty}</p>
      ) : (
        <div class="table-scroll">
          {missing > 0 && (
            <p class="warn">
              {missing} {missing === 1 ? 'secret has' : 'secrets have'} no value: a deployment is refused until each has one.
            </p>
          )}
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Value</th>
                <th scope="col">Set anew</th>
              </tr>
            </thead>
            <tbody>
              {secrets.value.map((secret) => (
                <SecretRow key={secret.name} owner={owner} secret={secret} done={secrets.again} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function SecretRow({ owner, secret, done }: { owner: Secrets; secret: SecretView; done: () => Promise<void> }) {
  const value = useSignal('');
  const problem = useSignal<ProblemDetails | null>(null);
  const set = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await owner.set(secret.name, value.value);
      // Nothing of it stays on the page.
      value.value = '';
      problem.value = null;
      tell(`${secret.name} is set. It counts from the next deployment.`);
      await done();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  return (
    <tr>
      <th scope="row">
        <code>{secret.name}</code>
      </th>
      <td>{secret.set ? <span class="quiet">set, never shown</span> : <strong class="warn">not set</strong>}</td>
      <td>
        <form class="inline-form" onSubmit={set}>
          <input
            type="password"
            autocomplete="new-password"
            aria-label={`New value of ${secret.name}`}
            value={value.value}
            onInput={(event) => {
              value.value = event.currentTarget.value;
            }}
          />
          <button type="submit" disabled={value.value === ''}>
            Set<span class="visually-hidden"> {secret.name}</span>
          </button>
        </form>
        {problem.value !== null && <Problem problem={problem.value} />}
      </td>
    </tr>
  );
}

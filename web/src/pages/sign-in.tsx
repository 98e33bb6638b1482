import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { address, type ProblemDetails, Refusal, send } from '../api/request';
import { signIn, takeCode } from '../api/session';
import { CopyButton } from '../components/copy-button';
import { Problem } from '../components/problem';

/** Asks for the code of `slipway open`, or for the server's token. */
export function SignInPage() {
  const problem = useSignal<ProblemDetails | null>(null);
  const exchange = async (body: { code: string } | { token: string }) => {
    try {
      const init = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
      const response = await send(new Request(address('/sessions'), init));
      const session = (await response.json()) as { token: string };
      signIn(session.token);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  useEffect(() => {
    const code = takeCode();
    if (code !== null) void exchange({ code });
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const entered = new FormData(event.currentTarget as HTMLFormElement).get('token');
    if (typeof entered === 'string') void exchange({ token: entered.trim() });
  };
  return (
    <section class="sign-in">
      <h1>Sign in</h1>
      <p>In a terminal of the machine where Slipway runs:</p>
      <p class="command">
        <code>slipway open</code>
        <CopyButton text="slipway open" />
      </p>
      <form onSubmit={submit}>
        <label for="token">Or paste what the file “token” in the server’s home holds</label>
        <input id="token" name="token" type="password" autocomplete="off" spellcheck={false} required />
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
      {problem.value !== null && <Problem problem={problem.value} />}
    </section>
  );
}

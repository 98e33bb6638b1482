/**
 * Who is signed in. The token is kept in the storage of this origin, which has the port in it: a cookie would go to every service
 * on the same host. It is sent as `Authorization: Bearer` and in no other way.
 */
import { signal } from '@preact/signals';

const KEY = 'slipway-session';

/** The token that requests carry; `null` when nobody is signed in. */
export const token = signal<string | null>(localStorage.getItem(KEY));

/** Keeps a token for this and later tabs. */
export function signIn(value: string): void {
  localStorage.setItem(KEY, value);
  token.value = value;
}

/** Forgets it in all tabs. */
export function signOut(): void {
  localStorage.removeItem(KEY);
  token.value = null;
}

/** Other tabs sign in and out too. */
addEventListener('storage', (event) => {
  if (event.key === KEY) token.value = event.newValue;
});

/** The one-time code of `slipway open`, which is then out of the address and of the history. */
export function takeCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code !== null) history.replaceState(history.state, '', location.pathname + location.search);
  return code;
}

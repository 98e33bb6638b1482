/** A server that runs already and deploys for real, and the repository that it deploys from. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test as base, connect } from '../browser/support';

export { expect, expectAccessible, picture, type Server } from '../browser/support';

/** A real build and a real rollout on two busy cores. */
export const DEPLOYED = { timeout: 180_000 };

/** The variable that whoever starts the test sets. */
export function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: see tests/end_to_end/page.rs`);
  return value;
}

export const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are wanted from the pattern
  server: async ({}, use) => {
    await use(connect(given('SLIPWAY_TEST_URL'), given('SLIPWAY_TEST_TOKEN'), async () => {}));
  },
});

/** The URL by which the server reads the repository. */
export function repositoryUrl(): string {
  return `file://${given('SLIPWAY_TEST_REPOSITORY')}`;
}

/** Writes a file of the repository and commits it. */
export function commit(path: string, text: string): void {
  const folder = given('SLIPWAY_TEST_REPOSITORY');
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@slipway.test'];
  const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...identity, ...words], { stdio: 'pipe' });
  git('add', '--all');
  git('commit', '--quiet', '--message', 'a change');
}

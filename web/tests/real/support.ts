/** A server that runs already and deploys for real, and the repository that it deploys from. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, connect } from '../browser/support';

export { expect, expectAccessible, picture } from '../browser/support';

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

/** Writes a file of the repository and commits it. */
export function commit(path: string, text: string): void {
  const folder = given('SLIPWAY_TEST_REPOSITORY');
  writeFileSync(join(folder, path), text);
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@slipway.test'];
  const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...identity, ...words], { stdio: 'pipe' });
  git('add', '--all');
  git('commit', '--quiet', '--message', 'a change');
}

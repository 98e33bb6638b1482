import { expect, test, vi } from 'vitest';
import { type ProblemDetails, Refusal } from '../api/request';
import { Draft, type DraftCalls } from './draft';

const FILE = 'project: shop\nname: test\nmode: staging\n';

function refusal(code: string, more: Partial<ProblemDetails> = {}): Refusal {
  return new Refusal({ type: 'about:blank', title: code, status: 412, detail: code, code, ...more });
}

/** A server with one file. */
function world(text = FILE) {
  const stored = { text, version: 1 };
  const calls = {
    read: async () => ({ ...stored }),
    validate: async (sent: string) => {
      if (sent.includes('bad')) {
        const problems = [{ line: 3, column: 7, path: 'mode', message: '`bad` is not allowed' }];
        throw refusal('file-invalid', { problems });
      }
      return {
        project: 'shop',
        name: 'test',
        version: stored.version,
        changes: sent === stored.text ? [] : ['mode'],
        removed: [],
      };
    },
    apply: async (sent: string, version: number | 'new') => {
      if (version !== stored.version) throw refusal('version-stale');
      stored.text = sent;
      stored.version += 1;
      return { project: 'shop', name: 'test', version: stored.version, changes: ['mode'], removed: [] };
    },
  } satisfies DraftCalls;
  return { stored, draft: new Draft(calls, '', { project: 'shop', name: 'test' }) };
}

test('what_is_wrong_is_at_its_place_shortly_after_it_is_typed', async () => {
  vi.useFakeTimers();
  const { draft } = world();
  await draft.open();
  draft.edit(FILE.replace('staging', 'bad'));
  await vi.advanceTimersByTimeAsync(1000);
  expect(draft.byPath.value.get('mode')?.[0]?.message).toBe('`bad` is not allowed');
  draft.edit(FILE.replace('staging', 'production'));
  await vi.advanceTimersByTimeAsync(1000);
  expect(draft.problems.value).toEqual([]);
  expect(draft.would.value?.changes).toEqual(['mode']);
  vi.useRealTimers();
});

test('what_somebody_else_applied_is_never_overwritten_unasked', async () => {
  const { stored, draft } = world();
  await draft.open();
  stored.text = FILE.replace('staging', 'preview');
  stored.version = 2;
  const mine = FILE.replace('staging', 'production');
  draft.edit(mine);
  expect(await draft.apply(false)).toBeNull();
  expect(draft.conflict.value?.theirs).toEqual({ text: stored.text, version: 2 });
  expect({ text: draft.text.value, stored: stored.text }).toEqual({ text: mine, stored: FILE.replace('staging', 'preview') });
  draft.keepMine();
  expect(draft.conflict.value).toBeNull();
  expect((await draft.apply(false))?.version).toBe(3);
  expect(stored.text).toBe(mine);
});

test('a_change_from_elsewhere_appears_at_once_unless_something_was_typed', async () => {
  const { stored, draft } = world();
  await draft.open();
  stored.text = FILE.replace('staging', 'preview');
  stored.version = 2;
  await draft.elsewhere(2);
  expect(draft.text.value).toBe(stored.text);
  draft.edit(`${stored.text}# mine\n`);
  stored.version = 3;
  await draft.elsewhere(3);
  expect(draft.conflict.value?.theirs.version).toBe(3);
  draft.takeTheirs();
  expect({ text: draft.text.value, changed: draft.isChanged.value }).toEqual({ text: stored.text, changed: false });
});

test('the_file_of_another_environment_is_not_applied_here', async () => {
  const { stored, draft } = world();
  await draft.open();
  draft.edit(FILE.replace('name: test', 'name: other'));
  expect(await draft.check()).toBe(false);
  expect(await draft.apply(false)).toBeNull();
  expect(draft.refusal.value?.code).toBe('file-of-another');
  expect(stored.version).toBe(1);
});

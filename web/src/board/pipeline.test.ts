import { expect, test } from 'vitest';
import { applied, difference, type Edit, inverse, isIdle, type Stages, stands } from './pipeline';
import { membersOf, stagesOf } from './testing';

const shop = stagesOf({ data: ['db', 'old!'], jobs: [], apps: ['api', 'web'] });

const EDITS: Edit[] = [
  { do: 'place', service: 'api', stage: 'data', skipped: false },
  { do: 'place', service: 'web', skipped: true },
  { do: 'place', service: 'old', stage: 'jobs', skipped: false },
  { do: 'add', stage: 'last', description: 'new', approval: 'required', after: 'apps' },
  { do: 'add', stage: 'first', description: '', approval: 'none', after: null },
  { do: 'rename', stage: 'jobs', name: 'tasks' },
  { do: 'describe', stage: 'jobs', description: '' },
  { do: 'approve', stage: 'apps', approval: 'required' },
  { do: 'order', stages: ['apps', 'data', 'jobs'] },
  { do: 'delete', stage: 'apps', to: 'data' },
  { do: 'delete', stage: 'jobs', to: null },
];

/** What the order of services within a stage does not matter to: the server keeps the file's. */
function inNoOrder(stages: Stages) {
  const by = (one: { name: string }, other: { name: string }) => one.name.localeCompare(other.name);
  return stages.map((stage) => ({ ...stage, services: stage.services.toSorted(by) }));
}

test.each(EDITS)('undo_brings_back_what_was: $do $stage $service', (edit) => {
  const now = applied(shop, edit);
  expect(difference(shop, now)).not.toEqual([]);
  const back = inverse(shop, edit).reduce(applied, now);
  expect(inNoOrder(back)).toEqual(inNoOrder(shop));
});

test('a_service_is_in_one_stage_and_keeps_its_flag_unless_the_edit_says_otherwise', () => {
  const there = applied(shop, { do: 'place', service: 'old', stage: 'apps' });
  expect(membersOf(there)).toEqual({ data: ['db'], jobs: [], apps: ['api', 'web', 'old!'] });
});

test('the_services_of_a_deleted_stage_go_where_they_are_sent', () => {
  expect(membersOf(applied(shop, { do: 'delete', stage: 'data', to: 'jobs' }))).toEqual({
    jobs: ['db', 'old!'],
    apps: ['api', 'web'],
  });
});

test('a_stage_that_is_renamed_is_no_default_stage_any_more', () => {
  const stages = shop.map((stage) => ({ ...stage, defaultFor: stage.name === 'data' ? 'database' : null }));
  expect(applied(stages, { do: 'rename', stage: 'data', name: 'stores' })[0]?.defaultFor).toBeNull();
});

test.each(EDITS)('an_edit_stands_until_it_is_changed: $do $stage $service', (edit) => {
  expect(stands(shop, edit)).toBe(false);
  expect(stands(applied(shop, edit), edit)).toBe(true);
});

test('an_edit_of_what_is_gone_changes_nothing', () => {
  for (const edit of [
    { do: 'place', service: 'gone', stage: 'data' },
    { do: 'place', service: 'api', stage: 'gone' },
    { do: 'rename', stage: 'gone', name: 'x' },
    { do: 'delete', stage: 'gone', to: null },
  ] satisfies Edit[]) {
    expect(isIdle(shop, edit), JSON.stringify(edit)).toBe(true);
  }
});

test('what_is_different_is_told_once_each', () => {
  const now = stagesOf({ apps: ['web', 'db!'], data: ['old', 'new'], tasks: [] });
  expect(difference(shop, now)).toEqual([
    'stage tasks is new',
    'stage jobs is gone',
    'the stages have another order',
    'db is in apps',
    'db is skipped',
    'old is not skipped any more',
    'new is new in data',
    'api is gone',
  ]);
});

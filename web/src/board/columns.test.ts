import { expect, test } from 'vitest';
import { columnsOf, reordered, SKIPPED } from './columns';
import { applied } from './pipeline';
import { stagesOf } from './testing';

const shop = stagesOf({ data: ['db', 'old!'], jobs: [], apps: ['api', 'web'] });

test('skipped_services_stand_in_a_column_of_their_own_before_the_stages', () => {
  const columns = columnsOf(shop, []);
  expect(columns.map(({ key, services, skipped }) => ({ key, services, skipped }))).toEqual([
    { key: SKIPPED, services: ['old'], skipped: 0 },
    { key: 'data', services: ['db'], skipped: 1 },
    { key: 'jobs', services: [], skipped: 0 },
    { key: 'apps', services: ['api', 'web'], skipped: 0 },
  ]);
});

test('a_column_that_did_not_change_is_the_same_object', () => {
  const before = columnsOf(shop, []);
  const now = columnsOf(applied(shop, { do: 'place', service: 'api', stage: 'jobs' }), before);
  expect(now.map((column, index) => column === before[index])).toEqual([true, true, false, false]);
  expect(columnsOf(stagesOf({ data: ['db', 'old!'], jobs: [], apps: ['api', 'web'] }), before)).toBe(before);
});

test.each([
  ['a', 'c', 'after', ['b', 'c', 'a']],
  ['a', 'c', 'before', ['b', 'a', 'c']],
  ['c', 'a', 'before', ['c', 'a', 'b']],
  ['b', 'b', 'after', ['a', 'b', 'c']],
] as const)('%s is put beside %s, %s it', (moved, target, side, expected) => {
  expect(reordered(['a', 'b', 'c'], moved, target, side)).toEqual(expected);
});

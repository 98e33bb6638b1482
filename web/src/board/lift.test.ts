import { expect, test } from 'vitest';
import { columnsOf } from './columns';
import { editOf, liftService, liftStage, moved, spoken } from './lift';
import { stagesOf } from './testing';

const columns = columnsOf(stagesOf({ data: ['db', 'old!'], jobs: [], apps: ['api', 'web'] }), []);

function lifted(name: string) {
  const lift = liftService(name, columns);
  if (lift === null) throw new Error(`${name} is on the board`);
  return lift;
}

test('a_service_that_is_dropped_where_it_was_changes_nothing', () => {
  expect(editOf(moved(moved(lifted('api'), -1), 1))).toBeNull();
});

test('the_first_column_skips_and_a_stage_takes_the_flag_away', () => {
  expect(editOf(moved(lifted('api'), -3))).toEqual({ do: 'place', service: 'api', skipped: true });
  expect(editOf(moved(lifted('old'), 2))).toEqual({ do: 'place', service: 'old', stage: 'jobs', skipped: false });
});

test('nothing_is_moved_beyond_the_last_column', () => {
  expect(moved(lifted('api'), 5).at).toBe(3);
  expect(moved(lifted('api'), -9).at).toBe(0);
});

test('a_stage_goes_past_its_neighbours_and_never_before_the_skipped_services', () => {
  const lift = liftStage('jobs', columns);
  if (lift === null) throw new Error('it is there');
  expect(editOf(moved(lift, 1))).toEqual({ do: 'order', stages: ['data', 'apps', 'jobs'] });
  expect(editOf(moved(lift, -5))).toEqual({ do: 'order', stages: ['jobs', 'data', 'apps'] });
});

test('each_moment_is_spoken', () => {
  const lift = moved(lifted('api'), -1);
  expect(spoken(lifted('api'), 'lifted')).toContain('api is lifted, stage apps, column 4 of 4');
  expect(spoken(lift, 'moved')).toBe('api: stage jobs, column 3 of 4');
  expect(spoken(lift, 'dropped')).toBe('api is dropped: stage jobs, column 3 of 4');
  expect(spoken(lift, 'canceled')).toBe('api is put back');
});

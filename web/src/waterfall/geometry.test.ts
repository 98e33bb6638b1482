import { expect, test } from 'vitest';
import type { ExplainedService, Explanation, Phase, Piece } from '../run/wire';
import { slower, ticks, waterfall } from './geometry';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();

function piece(from: number, to: number, doing = 'running'): Piece {
  return { from: at(from), to: at(to), milliseconds: (to - from) * 1000, doing, text: doing };
}

function service(name: string, steps: Partial<Record<Phase, Piece[]>>): ExplainedService {
  const found = (['build', 'release'] as const).flatMap((phase) => {
    const pieces = steps[phase];
    return pieces === undefined ? [] : [{ phase, state: 'succeeded' as const, pieces }];
  });
  return { name, version: 'v1', state: 'succeeded', steps: found };
}

function explained(services: ExplainedService[], queue = 2, until = 20): Explanation {
  return {
    id: 'd',
    number: 2,
    project: 'shop',
    environment: 'staging',
    target: 'local',
    action: 'deploy',
    state: 'succeeded',
    acceptedAt: at(0),
    trigger: { source: 'cli', actor: 'ada' },
    until: at(until),
    queued: piece(0, queue, 'queued'),
    stages: [{ order: 0, name: 'one', state: 'succeeded', beganAt: at(queue), endedAt: at(until), services }],
    criticalPath: [
      piece(0, queue, 'queued'),
      { ...piece(queue, 8), step: { service: 'api', phase: 'build' } },
      { ...piece(8, 12), step: { service: 'api', phase: 'release' } },
    ],
  };
}

const api = service('api', {
  build: [piece(0, 2, 'queued'), piece(2, 8)],
  release: [piece(0, 2, 'queued'), piece(2, 8, 'own-build'), piece(8, 8, 'ready'), piece(8, 12)],
});

test('the_bars_of_a_service_follow_each_other_and_never_overlap', () => {
  const row = waterfall(explained([api])).bands[0]?.rows[0];
  expect(row?.bars.map(({ from, to, kind }) => [from / 1000, to / 1000, kind])).toEqual([
    [0, 2, 'waiting'],
    [2, 8, 'building'],
    [8, 12, 'releasing'],
  ]);
  expect(row?.work).toBe(10_000);
});

test('what_a_step_did_is_cut_out_of_its_piece_and_the_rest_is_its_own_work', () => {
  const part = (activity: 'fetching' | 'pushing' | 'waiting', from: number, to: number) => ({
    activity,
    from: at(from),
    to: at(to),
    milliseconds: (to - from) * 1000,
  });
  const parts = [part('fetching', 2, 3), part('pushing', 6, 7)];
  const release = { ...piece(8, 12), parts: [part('waiting', 9, 12)] };
  const told = service('api', { build: [{ ...piece(2, 8), text: 'running, attempt 2', parts }], release: [release] });
  const row = waterfall(explained([told])).bands[0]?.rows[0];
  expect(row?.bars.map(({ from, to, kind, text }) => [from / 1000, to / 1000, kind, text])).toEqual([
    [2, 3, 'fetching', 'running, attempt 2: fetching'],
    [3, 6, 'building', 'running, attempt 2'],
    [6, 7, 'pushing', 'running, attempt 2: pushing'],
    [7, 8, 'building', 'running, attempt 2'],
    [8, 9, 'releasing', 'running'],
    [9, 12, 'settling', 'running: waiting for the rollout'],
  ]);
  expect(row?.work).toBe(10_000);
});

test('the_critical_path_of_a_service_is_one_stretch_while_it_goes_on', () => {
  const bands = waterfall(explained([api, service('web', { release: [piece(0, 4)] })])).bands;
  expect(bands[0]?.rows.map((row) => row.critical)).toEqual([[{ from: 2000, to: 12_000 }], []]);
});

test('an_earlier_deployment_is_laid_beside_it_from_the_moment_its_turn_came', () => {
  const before = explained([service('api', { build: [piece(7, 10)], release: [piece(10, 12)] })], 7, 12);
  const laid = waterfall(explained([api]), before);
  const row = laid.bands[0]?.rows[0];
  expect(row?.before?.bars.map(({ from, to }) => [from / 1000, to / 1000])).toEqual([
    [2, 5],
    [5, 7],
  ]);
  expect(row === undefined ? undefined : slower(row)).toBe(5000);
});

test('a_service_that_was_not_there_before_is_not_compared', () => {
  const row = waterfall(explained([api]), explained([], 2, 12)).bands[0]?.rows[0];
  expect(row === undefined ? 0 : slower(row)).toBeUndefined();
});

test('the_axis_has_round_moments_and_not_too_many', () => {
  expect(ticks(20_000)).toEqual([0, 5000, 10_000, 15_000, 20_000]);
  for (const length of [300, 1000, 61_000, 3_599_000, 90_000_000]) expect(ticks(length).length).toBeLessThanOrEqual(9);
});

test('a_row_that_waits_looks_the_same_while_time_goes_on', () => {
  const waits = (until: number) => {
    const web = service('web', { release: [piece(0, 2, 'queued'), piece(2, until, 'earlier-stages')] });
    const works = service('worker', { release: [piece(0, 2, 'queued'), piece(2, until)] });
    return waterfall({ ...explained([web, works], 2, until), state: 'running', criticalPath: [] }).bands[0]?.rows ?? [];
  };
  const [before, after] = [waits(10), waits(20)];
  expect(after[0]?.bars.map((bar) => bar.isOpen)).toEqual([false, true]);
  expect(after[0]?.look).toBe(before[0]?.look);
  expect(after[1]?.look).not.toBe(before[1]?.look);
});

import { effect } from '@preact/signals';
import { expect, test } from 'vitest';
import { stateOfParts } from '../board/card';
import { progressOf, Run, serviceOfInterest } from './run';
import { exact } from './times';
import type { Deployment, Service, State } from './wire';

function service(name: string, stage: number, state: State = 'queued'): Service {
  return { name, stage, kind: 'application', version: '1234567', state, release: { state } };
}

function deployment(): Deployment {
  const stage = (order: number, services: Service[]) => ({ order, name: `stage ${order}`, state: 'queued' as State, services });
  return {
    id: 'd1',
    number: 3,
    project: 'shop',
    environment: 'staging',
    target: 'local',
    action: 'deploy',
    state: 'running',
    acceptedAt: '2026-01-01T00:00:00Z',
    trigger: { source: 'cli', actor: 'ada' },
    stages: [stage(0, [service('db', 0)]), stage(1, [service('api', 1), service('web', 1)])],
  };
}

test('an_event_of_a_service_moves_it_and_its_stage_and_nothing_else', () => {
  const run = new Run(deployment());
  const drawn: string[] = [];
  for (const name of run.names()) effect(() => void drawn.push(`${name} ${run.service(name)?.value.state}`));
  effect(() => void drawn.push(`head ${run.head.value.state}`));
  drawn.length = 0;
  run.take({ name: 'service', data: service('api', 1, 'running') });
  expect(drawn).toEqual(['api running']);
  expect(run.stages.value.map((stage) => stage.state.value)).toEqual(['queued', 'running']);
  run.take({ name: 'service', data: service('api', 1, 'running') });
  expect(drawn).toEqual(['api running']);
});

test('an_event_of_the_deployment_replaces_what_is_different', () => {
  const run = new Run(deployment());
  const stages = run.stages.value;
  const changed = deployment();
  changed.state = 'succeeded';
  if (changed.stages[1] !== undefined) changed.stages[1].approval = { state: 'approved', actor: 'ada' };
  run.take({ name: 'deployment', data: changed });
  expect(run.head.value.state).toBe('succeeded');
  expect(run.stages.value).toBe(stages);
  expect(stages[1]?.approval.value).toEqual({ state: 'approved', actor: 'ada' });
});

test('a_request_that_is_merged_in_brings_its_services', () => {
  const run = new Run(deployment());
  const merged = deployment();
  merged.stages[1]?.services.push(service('worker', 1));
  run.take({ name: 'deployment', data: merged });
  expect(run.names()).toEqual(['db', 'api', 'web', 'worker']);
  expect(run.service('worker')?.value.state).toBe('queued');
});

test('a_line_of_the_log_is_given_back', () => {
  const line = { number: 7, at: '', service: 'api', phase: 'build', text: 'x' };
  expect(new Run(deployment()).take({ name: 'log', data: line })).toEqual(line);
});

test('the_service_that_failed_is_looked_at_first_then_one_that_works', () => {
  const failed: Service = {
    ...service('web', 1, 'failed'),
    release: { state: 'failed', failure: { kind: 'permanent', code: 'crash-loop', message: 'x' } },
  };
  const services = [service('db', 0, 'succeeded'), service('api', 1, 'running'), service('web', 1, 'running')];
  expect(serviceOfInterest(services, undefined)).toBe('api');
  expect(serviceOfInterest(services, 'web')).toBe('web');
  expect(serviceOfInterest([...services.slice(0, 2), failed], 'api')).toBe('web');
  expect(serviceOfInterest([service('db', 0, 'succeeded'), service('api', 1, 'skipped')], undefined)).toBe('db');
  expect(progressOf([...services.slice(0, 2), failed])).toEqual({ ended: 2, all: 3, failed: 1 });
});

test('a_whole_is_what_its_parts_are', () => {
  const cases: [State[], State][] = [
    [[], 'succeeded'],
    [['queued', 'queued'], 'queued'],
    [['succeeded', 'queued'], 'running'],
    [['running', 'failed'], 'running'],
    [['running', 'canceling'], 'canceling'],
    [['succeeded', 'failed', 'canceled'], 'failed'],
    [['succeeded', 'canceled'], 'canceled'],
    [['skipped', 'skipped'], 'skipped'],
    [['skipped', 'succeeded'], 'succeeded'],
  ];
  for (const [parts, whole] of cases) expect(stateOfParts(parts)).toBe(whole);
});

test('a_short_duration_has_tenths', () => {
  expect([0, 450, 9_999, 10_000, 65_000].map(exact)).toEqual(['0.0 s', '0.4 s', '9.9 s', '10 s', '1 min 5 s']);
});

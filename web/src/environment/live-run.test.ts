import { afterEach, expect, test, vi } from 'vitest';
import { Board } from '../board/board';
import { stagesOf } from '../board/testing';
import { FrameQueue } from './frame-queue';
import { LiveRun } from './live-run';
import type { DeploymentView, ServiceView, State } from './wire';

afterEach(() => vi.unstubAllGlobals());

function service(name: string, stage: number, state: State, more: Partial<ServiceView> = {}): ServiceView {
  return { name, stage, kind: 'container', version: '1.0', state, release: { state }, ...more };
}

function deployment(services: ServiceView[], more: Partial<DeploymentView> = {}): DeploymentView {
  const stages = ['data', 'apps'].map((name, order) => ({
    order,
    name,
    state: 'queued' as State,
    services: services.filter((one) => one.stage === order),
  }));
  return {
    id: 'one',
    number: 1,
    project: 'shop',
    environment: 'staging',
    target: 'kind',
    action: 'deploy',
    state: 'running',
    acceptedAt: '2026-01-01T00:00:00Z',
    trigger: { source: 'cli', actor: 'ada' },
    stages,
    ...more,
  };
}

function newRun(): LiveRun {
  const nothing = () => {};
  const refuse = () => Promise.reject(new Error('nothing is sent'));
  const board = new Board({ send: refuse, read: refuse, done: nothing, changed: nothing });
  board.take({ version: 1, stages: stagesOf({ data: ['db'], apps: ['api', 'web'] }) });
  return new LiveRun(board, new FrameQueue());
}

const start = deployment([service('db', 0, 'running'), service('api', 1, 'queued'), service('web', 1, 'queued')]);

async function follow(run: LiveRun, events: [string, unknown][]): Promise<DeploymentView[]> {
  const text = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('');
  vi.stubGlobal('fetch', async () => new Response(`${text}event: end\ndata: {}\n\n`));
  const seen: DeploymentView[] = [];
  await run.follow('one', new AbortController().signal, (view) => seen.push(view));
  run.frames.flush();
  return seen;
}

test('each_event_is_on_its_card_and_the_stage_follows', async () => {
  const run = newRun();
  const seen = await follow(run, [
    ['deployment', start],
    ['service', service('db', 0, 'succeeded')],
    ['service', service('api', 1, 'running', { phase: 'releasing' })],
  ]);
  expect(seen.map((view) => view.state)).toEqual(['running']);
  expect(run.board.card('db').run.value?.state).toBe('succeeded');
  expect(run.board.card('api').run.value?.phase).toBe('releasing');
  expect(run.stage('data').value?.state).toBe('succeeded');
  expect(run.stage('apps').value?.state).toBe('running');
});

test('an_event_of_one_service_leaves_the_cards_of_others_alone', async () => {
  const run = newRun();
  await follow(run, [['deployment', start]]);
  const before = run.board.card('web').run.value;
  await follow(run, [['service', service('api', 1, 'running')]]);
  expect(run.board.card('web').run.value).toBe(before);
});

test('a_deployment_that_is_told_whole_again_draws_no_card_anew_that_is_the_same', async () => {
  const run = newRun();
  await follow(run, [['deployment', start]]);
  const { db, web } = { db: run.board.card('db').run.value, web: run.board.card('web').run.value };
  const services = [service('db', 0, 'succeeded'), service('api', 1, 'queued'), service('web', 1, 'queued')];
  await follow(run, [['deployment', deployment(services)]]);
  expect(run.board.card('web').run.value).toBe(web);
  expect(run.board.card('db').run.value).not.toBe(db);
});

test('what_has_ended_becomes_what_was_last_done_with_the_reason_of_a_failure', async () => {
  const run = newRun();
  await follow(run, [['deployment', start]]);
  const failure = { code: 'crash-loop', kind: 'permanent', message: 'it exits with code 1' } as const;
  const failed = service('api', 1, 'failed', { release: { state: 'failed', failure, endedAt: '2026-01-01T00:01:00Z' } });
  const services = [service('db', 0, 'succeeded'), failed, service('web', 1, 'skipped')];
  run.settle(deployment(services, { state: 'failed', outcome: 'failed', finishedAt: '2026-01-01T00:02:00Z' }));
  expect(run.deployment.value).toBeNull();
  expect(run.stage('apps').value).toBeNull();
  expect(run.board.card('api').run.value).toBeNull();
  expect(run.board.card('api').facts.value.last).toEqual({
    id: 'one',
    number: 1,
    state: 'failed',
    at: '2026-01-01T00:01:00Z',
    reason: 'it exits with code 1',
  });
  expect(run.board.card('db').facts.value.last?.at).toBe('2026-01-01T00:02:00Z');
});

import { afterEach, expect, test, vi } from 'vitest';
import { EnvironmentStore } from './store';
import type { DeploymentHead, State } from './wire';

afterEach(() => vi.unstubAllGlobals());

function head(number: number, state: State): DeploymentHead {
  const id = `id-${number}`;
  const rest = {
    project: 'shop',
    environment: 'staging',
    target: 'kind',
    action: 'deploy',
    acceptedAt: '2026-01-01T00:00:00Z',
  };
  return { id, number, state, ...rest } as DeploymentHead;
}

function storeWith(...heads: DeploymentHead[]): EnvironmentStore {
  vi.stubGlobal('fetch', () => new Promise(() => {}));
  const store = new EnvironmentStore('shop', 'staging');
  for (const one of heads) store.takeHead(one);
  return store;
}

test('what_runs_is_active_and_those_behind_it_are_counted', () => {
  const store = storeWith(head(4, 'queued'), head(2, 'running'), head(3, 'queued'), head(1, 'succeeded'));
  expect(store.deployments.value.map((one) => one.number)).toEqual([4, 3, 2, 1]);
  expect(store.active.value?.number).toBe(2);
  expect(store.queued.value).toBe(2);
});

test('when_nothing_runs_yet_the_next_of_the_queue_is_active', () => {
  const store = storeWith(head(4, 'queued'), head(3, 'queued'), head(2, 'failed'));
  expect(store.active.value?.number).toBe(3);
  expect(store.queued.value).toBe(1);
});

test('a_deployment_that_has_ended_stays_ended_when_an_older_event_comes_late', () => {
  const store = storeWith(head(1, 'running'));
  store.takeHead({ ...head(1, 'succeeded'), finishedAt: '2026-01-01T00:01:00Z' });
  store.takeHead(head(1, 'running'));
  expect(store.active.value).toBeNull();
  expect(store.deployments.value[0]?.finishedAt).toBe('2026-01-01T00:01:00Z');
});

test('what_an_event_does_not_say_of_a_deployment_stays', () => {
  const store = storeWith({ ...head(1, 'queued'), trigger: { source: 'cli', actor: 'ada' } });
  store.takeHead(head(1, 'running'));
  expect(store.active.value?.trigger?.actor).toBe('ada');
});

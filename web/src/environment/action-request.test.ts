import { afterEach, expect, test, vi } from 'vitest';
import { ActionRequest } from './action-request';
import { EnvironmentStore } from './store';
import type { Action, EnvironmentServiceView } from './wire';

afterEach(() => vi.unstubAllGlobals());

function service(name: string, skipped = false): EnvironmentServiceView {
  return { name, kind: 'container', stage: 'apps', skipped };
}

/** A request about three services, one of which is skipped, and what it sends. */
function asking(action: Exclude<Action, 'rollback'>, services?: string[]) {
  const sent: unknown[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push(await request.json());
    const problem = { type: 'about:blank', title: 'no', status: 409, detail: 'not now', code: 'no' };
    return new Response(JSON.stringify(problem), { status: 409, headers: { 'Content-Type': 'application/problem+json' } });
  });
  const store = new EnvironmentStore('shop', 'staging');
  const all = [service('api'), service('web'), service('old', true)];
  store.environment.value = { project: 'shop', name: 'staging', mode: 'staging', version: 1, services: all };
  return { request: new ActionRequest(store, action, services), sent };
}

test('all_that_the_action_means_are_sent_without_names', async () => {
  const { request, sent } = asking('stop');
  expect([...request.chosen.value]).toEqual(['api', 'web']);
  await request.send();
  expect(sent).toEqual([{ action: 'stop', services: [] }]);
});

test('others_are_named_also_one_that_is_skipped', async () => {
  const { request, sent } = asking('deploy', ['old']);
  request.rebuild.value = true;
  await request.send();
  expect(sent).toEqual([{ action: 'deploy', services: [{ name: 'old' }], current: false, rebuild: true }]);
  expect(request.planLink()).toBe('/environments/shop/staging/plan?service=old&rebuild=on');
});

test('a_delete_means_skipped_services_too_and_waits_for_the_name', () => {
  const { request } = asking('delete');
  expect([...request.chosen.value]).toEqual(['api', 'web', 'old']);
  expect(request.isReady.value).toBe(false);
  request.typed.value = 'shop/staging ';
  expect(request.isReady.value).toBe(true);
  request.chooseNone();
  expect(request.isReady.value).toBe(false);
});

test('what_is_refused_is_told_and_can_be_asked_again', async () => {
  const { request } = asking('restart');
  expect(await request.send()).toBeNull();
  expect(request.problem.value?.detail).toBe('not now');
  expect(request.isReady.value).toBe(true);
});

import { afterEach, expect, test, vi } from 'vitest';
import { EnvironmentStore } from '../environment/store';
import { CloneRequest, lacking, ServiceCloneRequest } from './clone-request';

afterEach(() => vi.unstubAllGlobals());

/** What is sent, and where to; the server answers that it is there already. */
function refusing() {
  const sent: { path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push({ path: new URL(request.url).pathname, body: await request.json() });
    const problem = { type: 'about:blank', title: 'no', status: 409, detail: 'it is there', code: 'environment-exists' };
    return new Response(JSON.stringify(problem), { status: 409, headers: { 'Content-Type': 'application/problem+json' } });
  });
  return sent;
}

function store(): EnvironmentStore {
  const store = new EnvironmentStore('shop', 'live');
  const services = ['db', 'api'].map((name) => ({ name, kind: 'container' as const, stage: 'apps', skipped: false }));
  store.environment.value = { project: 'shop', name: 'live', mode: 'production', target: 'cluster', version: 1, services };
  return store;
}

test('what_stays_the_same_is_not_said', async () => {
  const sent = refusing();
  const request = new CloneRequest(store());
  expect(request.isReady.value).toBe(false);
  request.name.value = ' copy ';
  expect(request.isReady.value).toBe(true);
  await request.send();
  const path = '/api/v1/environments/shop/live/clone';
  expect(sent).toEqual([{ path, body: { name: 'copy', withSecrets: false } }]);
});

test('what_is_to_be_different_is_said', async () => {
  const sent = refusing();
  const request = new CloneRequest(store());
  request.name.value = 'copy';
  request.project.value = 'mall';
  request.target.value = 'local';
  request.mode.value = 'staging';
  request.withSecrets.value = true;
  request.choose('api', false);
  await request.send();
  expect(sent[0]?.body).toEqual({
    name: 'copy',
    project: 'mall',
    target: 'local',
    mode: 'staging',
    services: ['db'],
    withSecrets: true,
  });
});

test('a_refusal_is_told_and_it_can_be_asked_again', async () => {
  refusing();
  const request = new CloneRequest(store());
  request.name.value = 'live';
  expect(await request.send()).toBeNull();
  expect(request.problem.value?.code).toBe('environment-exists');
  expect(request.isReady.value).toBe(true);
});

test('a_service_goes_to_an_environment_that_is_chosen', async () => {
  const sent = refusing();
  const request = new ServiceCloneRequest(store(), 'api');
  expect(request.isReady.value).toBe(false);
  request.to.value = 'mall/test';
  expect(request.isReady.value).toBe(true);
  await request.send();
  request.name.value = 'second';
  request.withVariables.value = true;
  await request.send();
  const to = { project: 'mall', environment: 'test', withSecrets: false };
  expect(sent.map(({ body }) => body)).toEqual([
    { ...to, withVariables: false },
    { ...to, name: 'second', withVariables: true },
  ]);
  expect(sent[0]?.path).toBe('/api/v1/environments/shop/live/services/api/clone');
});

test('what_a_clone_lacks_is_told', () => {
  const made = { project: 'shop', name: 'copy', version: 1, services: [], variables: [] };
  expect(lacking({ ...made, secrets: [{ name: 'KEY', set: true }], leftBehind: [] })).toBe('');
  const secrets = [
    { name: 'KEY', set: false },
    { name: 'OTHER', set: false },
  ];
  expect(lacking({ ...made, secrets, leftBehind: ['the host name `a`'] })).toBe(
    ' These secrets want a value: KEY, OTHER. Left behind: the host name `a`.',
  );
});

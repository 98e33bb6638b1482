import { afterEach, expect, test, vi } from 'vitest';
import { answer, base, client } from './client';
import { Refusal } from './request';

afterEach(() => vi.unstubAllGlobals());

const json = (status: number, type: string, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': type } });

test('an_operation_goes_to_its_path_and_answers_what_the_server_sends', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return json(200, 'application/json', { version: '0.1.0', pid: 7 });
  });
  const version = await answer(client.GET('/api/v1/version'));
  expect(version).toEqual({ version: '0.1.0', pid: 7 });
  expect(asked).toEqual(['GET /api/v1/version']);
});

test('what_is_refused_is_thrown_with_its_code', async () => {
  const problem = {
    type: 'https://slipway.dev/errors/not-found',
    title: 'not found',
    status: 404,
    detail: 'no',
    code: 'not-found',
  };
  vi.stubGlobal('fetch', async () => json(404, 'application/problem+json', problem));
  const asked = answer(client.GET('/api/v1/deployments/{id}', { params: { path: { id: 'x' } } }));
  await expect(asked).rejects.toBeInstanceOf(Refusal);
  await expect(asked).rejects.toMatchObject({ problem: { code: 'not-found' } });
});

test('the_paths_begin_below_the_prefix_of_the_page', () => {
  expect(base('https://ci.example/slipway/')).toBe('https://ci.example/slipway');
  expect(base('http://127.0.0.1:7878/')).toBe('http://127.0.0.1:7878');
});

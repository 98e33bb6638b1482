import { afterEach, expect, test, vi } from 'vitest';
import { follow, type ServerEvent } from './events';

afterEach(() => vi.unstubAllGlobals());

function stream(text: string): Response {
  return new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });
}

test('a_stream_that_breaks_off_goes_on_after_the_last_event', async () => {
  const asked: (string | null)[] = [];
  const answers = [
    'id: 1-0\nevent: log\ndata: {"a":1}\n\nid: 2-0\nevent: lo',
    'id: 2-0\nevent: log\ndata: {"a":2}\n\nevent: end\ndata: {}\n\n',
  ];
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push(request.headers.get('Last-Event-ID'));
    return stream(answers.shift() ?? '');
  });
  const events: ServerEvent[] = [];
  const connections: string[] = [];
  const reader = { event: (event: ServerEvent) => events.push(event), connection: (now: string) => connections.push(now) };
  await follow('/x', reader, new AbortController().signal);
  expect(asked).toEqual([null, '1-0']);
  expect(events.map((event) => event.data)).toEqual([{ a: 1 }, { a: 2 }, {}]);
  expect(connections).toEqual(['open', 'broken', 'open']);
});

test('a_stream_that_the_server_refuses_is_not_asked_again', async () => {
  let asked = 0;
  vi.stubGlobal('fetch', async () => {
    asked += 1;
    const headers = { 'Content-Type': 'application/problem+json' };
    return new Response(JSON.stringify({ status: 404, detail: 'there is no such deployment', code: 'not-found' }), {
      status: 404,
      headers,
    });
  });
  const refused: string[] = [];
  await follow('/x', { event: () => {}, refused: (problem) => refused.push(problem.code) }, new AbortController().signal);
  expect({ asked, refused }).toEqual({ asked: 1, refused: ['not-found'] });
});

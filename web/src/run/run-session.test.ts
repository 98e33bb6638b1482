import { afterEach, expect, test, vi } from 'vitest';
import { RunSession } from './run-session';
import type { Deployment, LogLine } from './wire';

afterEach(() => vi.unstubAllGlobals());

const DEPLOYMENT: Deployment = {
  id: 'd1',
  number: 1,
  project: 'shop',
  environment: 'staging',
  target: 'local',
  action: 'deploy',
  state: 'running',
  acceptedAt: '2026-01-01T00:00:00Z',
  trigger: { source: 'cli', actor: 'ada' },
  stages: [],
};

const line = (number: number, service: string) =>
  ({ number, at: '2026-01-01T00:00:00Z', service, phase: 'build', text: `line ${number}` }) satisfies LogLine;

test('one_stream_brings_the_lines_of_the_service_that_is_looked_at_from_where_they_are_known', async () => {
  const streams: { query: string; after: string | null; write: (text: string) => void; isOpen: () => boolean }[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url);
    if (!url.pathname.endsWith('/events')) return Response.json(DEPLOYMENT);
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    streams.push({
      query: url.search,
      after: request.headers.get('Last-Event-ID'),
      write: (text) => void writer.write(new TextEncoder().encode(text)),
      isOpen: () => !request.signal.aborted,
    });
    return new Response(body.readable, { headers: { 'Content-Type': 'text/event-stream' } });
  });
  const session = new RunSession('d1');
  await session.open();
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  const lines: string[] = [];
  session.follow({ service: 'api', after: 5, lines: (found) => lines.push(...found.map((one) => one.text)) });
  await vi.waitFor(() => expect(streams).toHaveLength(2));
  streams[1]?.write(`id: 4-9\nevent: log\ndata: ${JSON.stringify(line(9, 'api'))}\n\n`);
  await vi.waitFor(() => expect(lines).toEqual(['line 9']));
  session.follow({ service: 'web', after: 20, lines: () => {} });
  await vi.waitFor(() => expect(streams).toHaveLength(3));
  expect(streams.map(({ query, after }) => [query, after])).toEqual([
    ['?lines=none', null],
    ['?lines=api', '1-5'],
    ['?lines=web', '4-20'],
  ]);
  expect(streams.map((stream) => stream.isOpen())).toEqual([false, false, true]);
  expect(lines).toEqual(['line 9']);
  session.close();
});

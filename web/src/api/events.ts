/**
 * Server-sent events over `fetch`, which can carry the token, as `EventSource` can not. A stream that breaks off is opened again with
 * `Last-Event-ID`: the server goes on where the page stopped reading.
 */
import { createParser } from 'eventsource-parser';
import { address, type ProblemDetails, Refusal, send } from './request';

/** One event; its data is JSON. */
export interface ServerEvent {
  name: string;
  data: unknown;
  /** Where the stream goes on after it; an event without one changes nothing about that. */
  id?: string;
}

/** How the stream is. */
export type Connection = 'open' | 'broken';

/** What a reader of a stream wants to know. */
export interface Reader {
  event(event: ServerEvent): void;
  connection?(connection: Connection): void;
  /** The server refuses the stream: it is not asked again. */
  refused?(problem: ProblemDetails): void;
}

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/**
 * Follows a stream until `signal` is aborted, the server says `end`, or it refuses.
 * @param path below `/api/v1`, with its query
 * @param after the id of the event to go on after; without one the stream begins at its beginning
 */
export async function follow(path: string, reader: Reader, signal: AbortSignal, after?: string): Promise<void> {
  let last = after;
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    try {
      const headers = new Headers({ Accept: 'text/event-stream' });
      if (last !== undefined) headers.set('Last-Event-ID', last);
      const response = await send(new Request(address(path), { headers, signal, cache: 'no-store' }));
      reader.connection?.('open');
      pause = FIRST_PAUSE;
      const ended = await read(response, reader, (id) => {
        last = id;
      });
      if (ended) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && isFinal(error.problem.status)) {
        reader.refused?.(error.problem);
        return;
      }
    }
    reader.connection?.('broken');
    await rest(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

/** Whether asking again can not help. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Reads to the end of the answer; tells whether the server has said all there is. */
async function read(response: Response, reader: Reader, seen: (id: string) => void): Promise<boolean> {
  let ended = false;
  const parser = createParser({
    onEvent: (message) => {
      if (message.id !== undefined) seen(message.id);
      const name = message.event ?? 'message';
      if (name === 'end') ended = true;
      const event = { name, data: JSON.parse(message.data) as unknown };
      reader.event(message.id === undefined ? event : { ...event, id: message.id });
    },
  });
  if (response.body === null) return false;
  const decoder = new TextDecoder();
  const bytes = response.body.getReader();
  while (true) {
    const { done, value } = await bytes.read();
    if (done) return ended;
    parser.feed(decoder.decode(value, { stream: true }));
  }
}

/** Waits, but no longer than until the signal or until the machine is online again. */
function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    addEventListener('online', done);
  });
}

/**
 * A page that looks at one deployment: reads it, follows it while it goes on, and hands the lines of one service to its log. All of it
 * comes by one stream, since a browser opens no more than six to a host.
 */
import { type Signal, signal } from '@preact/signals';
import { type Connection, follow, type ServerEvent } from '../api/events';
import { type ProblemDetails, Refusal } from '../api/request';
import { FrameQueue } from '../environment/frame-queue';
import { deployment } from './requests';
import { Run } from './run';
import { hasEnded } from './states';
import type { LogLine } from './wire';

/** Who reads the lines of a service. */
export interface Tail {
  service: string;
  /** The number of the last line that is known. */
  after: number;
  lines(lines: LogLine[]): void;
}

export class RunSession {
  /** `null` until it has been read. */
  readonly run: Signal<Run | null> = signal(null);
  readonly problem: Signal<ProblemDetails | null> = signal(null);
  readonly connection: Signal<Connection> = signal('open');
  /** Moves with each event that changes what happened. */
  readonly changes = signal(0);
  private readonly queue = new FrameQueue();
  private arrived: ServerEvent[] = [];
  private stream: AbortController | undefined;
  private tail: Tail | undefined;
  /** How many facts have been seen in a stream that has lines; the first is that it was accepted. */
  private version = 1;
  private closed = false;

  constructor(readonly id: string) {}

  /** Reads the deployment, and follows it unless it has ended. */
  async open(): Promise<void> {
    this.closed = false;
    this.problem.value = null;
    try {
      const read = await deployment(this.id);
      if (this.closed) return;
      this.run.value = new Run(read);
      if (!hasEnded(read.state)) this.restart();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!this.closed) this.problem.value = error.problem;
    }
  }

  close(): void {
    this.closed = true;
    this.stream?.abort();
  }

  /** Hands the lines of a service on from now on, until the returned function is called. */
  follow(tail: Tail): () => void {
    this.tail = tail;
    const run = this.run.peek();
    if (run !== null && !hasEnded(run.head.peek().state)) this.restart();
    return () => {
      if (this.tail === tail) this.tail = undefined;
    };
  }

  /** Opens the stream for the service whose lines are wanted now; it goes on where the last one was. */
  private restart(): void {
    this.stream?.abort();
    this.flush();
    const stream = new AbortController();
    this.stream = stream;
    const { tail, version } = this;
    const lines = tail === undefined ? 'none' : tail.service;
    // The ids of a stream without lines say something else.
    const after = tail === undefined ? undefined : `${version}-${tail.after}`;
    const reader = {
      event: (event: ServerEvent) => {
        if (stream.signal.aborted) return;
        if (tail !== undefined && event.id !== undefined) this.version = Number(event.id.split('-')[0]);
        this.arrive(event);
      },
      connection: (connection: Connection) => {
        this.connection.value = connection;
      },
      refused: (problem: ProblemDetails) => {
        this.problem.value = problem;
      },
    };
    void follow(
      `/deployments/${encodeURIComponent(this.id)}/events?lines=${encodeURIComponent(lines)}`,
      reader,
      stream.signal,
      after,
    );
  }

  private arrive(event: ServerEvent): void {
    this.arrived.push(event);
    if (this.arrived.length === 1) this.queue.push(() => this.flush());
  }

  private flush(): void {
    const arrived = this.arrived;
    this.arrived = [];
    const run = this.run.peek();
    if (run === null) return;
    const lines: LogLine[] = [];
    let changes = 0;
    for (const event of arrived) {
      const line = run.take(event);
      if (line === undefined) changes += 1;
      else lines.push(line);
    }
    if (changes > 0) this.changes.value += 1;
    const { tail } = this;
    const wanted = lines.filter((line) => line.service === tail?.service);
    const last = wanted.at(-1);
    if (tail === undefined || last === undefined) return;
    tail.after = last.number;
    tail.lines(wanted);
  }
}

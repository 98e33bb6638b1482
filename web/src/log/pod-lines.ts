/** The lines of the pods of a service, as they are written; the oldest are let go of when there are too many. */
import { type Signal, signal } from '@preact/signals';
import { type Connection, follow, type ServerEvent } from '../api/events';
import type { ProblemDetails } from '../api/request';
import { FrameQueue } from '../environment/frame-queue';
import type { PodLine } from '../run/wire';

/** Lines that are kept. */
const MOST = 100_000;
/** Lines of each pod from before the page was opened. */
const TAIL = 1000;

export class PodLines {
  readonly count = signal(0);
  /** The names of the pods that have written, in the order of their first line. */
  readonly pods: Signal<string[]> = signal([]);
  readonly connection: Signal<Connection> = signal('open');
  readonly problem: Signal<ProblemDetails | null> = signal(null);
  readonly ended = signal(false);
  /** How many of the oldest were let go of. */
  readonly dropped = signal(0);
  private lines: PodLine[] = [];
  private arrived: PodLine[] = [];
  private readonly queue = new FrameQueue();
  private readonly closed = new AbortController();

  /**
   * @param path of the service below `/api/v1`
   * @param pod the only one whose lines are wanted
   */
  constructor(
    private readonly path: string,
    private readonly pod: string | undefined,
  ) {}

  open(): void {
    const query = new URLSearchParams({ follow: 'true', tail: String(TAIL) });
    if (this.pod !== undefined) query.set('pod', this.pod);
    const reader = {
      event: (event: ServerEvent) => this.take(event),
      connection: (connection: Connection) => {
        this.connection.value = connection;
      },
      refused: (problem: ProblemDetails) => {
        this.problem.value = problem;
      },
    };
    void follow(`${this.path}/logs?${query}`, reader, this.closed.signal);
  }

  close(): void {
    this.closed.abort();
  }

  at(index: number): PodLine | undefined {
    return this.lines[index];
  }

  /** All lines that are kept. */
  all(): readonly PodLine[] {
    return this.lines;
  }

  /** Takes one event over. */
  take({ name, data }: ServerEvent): void {
    if (name === 'line') {
      this.arrived.push(data as PodLine);
      if (this.arrived.length === 1) this.queue.push(() => this.flush());
    } else if (name === 'problem') this.problem.value = data as ProblemDetails;
    else if (name === 'end') this.ended.value = true;
  }

  /** Shows what has arrived. */
  flush(): void {
    const known = new Set(this.pods.peek());
    const pods = [...new Set(this.arrived.map((line) => line.pod))].filter((pod) => !known.has(pod));
    if (pods.length > 0) this.pods.value = [...this.pods.peek(), ...pods];
    this.lines = this.lines.concat(this.arrived);
    this.arrived = [];
    if (this.lines.length > MOST * 1.1) {
      this.dropped.value += this.lines.length - MOST;
      this.lines = this.lines.slice(-MOST);
    }
    this.count.value = this.lines.length;
  }
}

/** All environments, as the list shows them: read once, then kept by the stream of their events. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type Connection, follow, type ServerEvent } from '../api/events';
import { type ProblemDetails, Refusal } from '../api/request';
import { listEnvironments } from './calls';
import { FrameQueue } from './frame-queue';
import type { EnvironmentView, OverviewView } from './wire';

export class OverviewStore {
  readonly #environments = signal<readonly OverviewView[] | null>(null);
  /** By project and name; `null` as long as they are not read. */
  readonly environments: ReadonlySignal<readonly OverviewView[] | null> = this.#environments;
  readonly problem: Signal<ProblemDetails | null> = signal(null);
  readonly connection: Signal<Connection> = signal('open');
  readonly #frames = new FrameQueue();
  readonly #closed = new AbortController();
  #hasBegun = false;

  /** Reads and follows until {@link close}. */
  async open(): Promise<void> {
    try {
      const read = await listEnvironments();
      this.problem.value = null;
      this.#environments.value = sorted(read.map(overviewOf));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.problem.value = error.problem;
      return;
    }
    const reader = {
      event: (event: ServerEvent) => this.#frames.push(() => this.take(event)),
      connection: (now: Connection) => {
        this.connection.value = now;
      },
    };
    if (!this.#closed.signal.aborted) void follow('/events', reader, this.#closed.signal);
  }

  close(): void {
    this.#closed.abort();
  }

  /** Takes over an event of the stream. */
  take({ name, data }: ServerEvent): void {
    if (name === 'begin') this.#begin();
    if (name !== 'environment' && name !== 'removed') return;
    const told = data as OverviewView;
    const others = (this.#environments.peek() ?? []).filter((one) => one.project !== told.project || one.name !== told.name);
    this.#environments.value = name === 'removed' ? others : sorted([...others, told]);
  }

  /** A stream that begins anew does not tell what has gone meanwhile. */
  #begin(): void {
    if (this.#hasBegun) this.#environments.value = [];
    this.#hasBegun = true;
  }
}

function overviewOf({ project, name, mode, target, version, services, lastDeployment }: EnvironmentView): OverviewView {
  return {
    ...{ project, name, mode, version, services: services.length },
    ...(target !== undefined && { target }),
    ...(lastDeployment !== undefined && { lastDeployment }),
  };
}

function sorted(environments: readonly OverviewView[]): readonly OverviewView[] {
  const key = ({ project, name }: OverviewView) => `${project}/${name}`;
  return environments.toSorted((one, other) => (key(one) < key(other) ? -1 : 1));
}

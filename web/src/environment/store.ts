/**
 * What the pages of one environment show, kept as the server has it: read once, then by its stream of events. The pages below share it
 * by {@link useEnvironment}.
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { type Connection, follow, type ServerEvent } from '../api/events';
import { type ProblemDetails, Refusal } from '../api/request';
import { Board } from '../board/board';
import { show } from '../board/card';
import { type Edit, stands, told } from '../board/pipeline';
import { tell } from '../components/toasts';
import { deployments } from '../run/requests';
import * as calls from './calls';
import { FrameQueue } from './frame-queue';
import { LiveRun } from './live-run';
import type {
  DeploymentHead,
  DeploymentView,
  EnvironmentStateView,
  EnvironmentView,
  RunningChange,
  RunningStatus,
} from './wire';

/** How many deployments are kept; older ones are the history's. */
const KEPT = 20;

export class EnvironmentStore {
  /** Where the API has it. */
  readonly place: calls.Place;
  /** The same as a path below `/api/v1`, for its streams. */
  readonly path: string;
  readonly environment: Signal<EnvironmentView | null> = signal(null);
  /** What runs, in one word; `null` as long as that is not known. */
  readonly status: Signal<RunningStatus | null> = signal(null);
  /** Why it can not be found out what runs. */
  readonly away: Signal<ProblemDetails | null> = signal(null);
  /** Its deployments, newest first. */
  readonly deployments: Signal<readonly DeploymentHead[]> = signal([]);
  /** Why there is nothing to show. */
  readonly problem: Signal<ProblemDetails | null> = signal(null);
  readonly connection: Signal<Connection> = signal('open');
  readonly board: Board;
  /** The deployment that runs, with its services on the board's cards. */
  readonly run: LiveRun;

  /** The deployment that runs, or the next of the queue. */
  readonly active: ReadonlySignal<DeploymentHead | null> = computed(() => {
    const open = this.deployments.value.filter((head) => !hasEnded(head));
    return open.findLast((head) => head.state !== 'queued') ?? open.at(-1) ?? null;
  });
  /** How many wait behind it. */
  readonly queued: ReadonlySignal<number> = computed(
    () => this.deployments.value.filter((head) => head.state === 'queued' && head.id !== this.active.value?.id).length,
  );

  /** The last edit of this page, with what undoes it. */
  #undoable: { edit: Edit; undo: readonly Edit[] } | null = null;
  readonly #frames = new FrameQueue();
  readonly #closed = new AbortController();

  constructor(
    readonly project: string,
    readonly name: string,
  ) {
    this.place = { project, environment: name };
    this.path = `/environments/${encodeURIComponent(project)}/${encodeURIComponent(name)}`;
    this.board = new Board({
      send: (edit, version) => calls.edit(this.place, edit, version),
      read: () => calls.readBoard(this.place),
      done: (edit, undo) => this.#tellDone(edit, undo),
      changed: (changes) => tell(`Changed elsewhere: ${changes.join('; ')}`),
    });
    this.run = new LiveRun(this.board, this.#frames);
  }

  /** The address of one of its pages, such as `/plan`; the board's is empty. */
  link(page = ''): string {
    return `/environments/${this.project}/${this.name}${page}`;
  }

  /** Reads and follows until {@link close}. */
  open(): void {
    void this.#open();
  }

  close(): void {
    this.#closed.abort();
  }

  async #read(): Promise<void> {
    try {
      const [environment, board, newest] = await Promise.all([
        calls.readEnvironment(this.place),
        calls.readBoard(this.place),
        deployments(this.project, this.name, { limit: KEPT }),
      ]);
      batch(() => {
        this.problem.value = null;
        this.environment.value = environment;
        this.board.take(board);
        this.board.takeFacts(board.stages.flatMap((stage) => stage.services));
        for (const head of newest.items) this.takeHead(head);
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.problem.value = error.problem;
    }
  }

  /** Reads what the stream does not tell: what is wanted and deployed of each service. */
  async #readFacts(): Promise<void> {
    try {
      const board = await calls.readBoard(this.place);
      batch(() => {
        this.board.take(board);
        this.board.takeFacts(board.stages.flatMap((stage) => stage.services));
      });
    } catch (error) {
      // The stream tells that the connection is lost; what is shown stays.
      if (!(error instanceof Refusal)) throw error;
    }
  }

  async #open(): Promise<void> {
    await this.#read();
    const signal = this.#closed.signal;
    if (signal.aborted || this.problem.peek() !== null) return;
    const reader = {
      event: (event: ServerEvent) => this.#frames.push(() => this.#take(event)),
      connection: (now: Connection) => {
        this.connection.value = now;
      },
    };
    void follow(`${this.path}/events`, reader, signal);
    signal.addEventListener('abort', this.#followRuns());
  }

  /** Follows the deployment that runs, whichever it is. */
  #followRuns(): () => void {
    const id = computed(() => this.active.value?.id ?? null);
    return effect(() => {
      const running = id.value;
      if (running === null) return;
      const ended = new AbortController();
      void this.run.follow(running, ended.signal, (view) => this.#takeRun(view));
      return () => ended.abort();
    });
  }

  /** Takes over a deployment that was accepted, or has come further; one that has ended stays so, whichever stream is late. */
  takeHead(view: DeploymentHead): void {
    const { id, number, project, environment, target, action, state, acceptedAt } = view;
    const known = this.deployments.peek().find((other) => other.id === id);
    if (known !== undefined && hasEnded(known) && !hasEnded(view)) return;
    const { finishedAt, startedAt, trigger } = { ...known, ...view };
    const head: DeploymentHead = {
      ...{ id, number, project, environment, target, action, state, acceptedAt },
      ...(finishedAt !== undefined && { finishedAt }),
      ...(startedAt !== undefined && { startedAt }),
      ...(trigger !== undefined && { trigger }),
    };
    const others = this.deployments.peek().filter((other) => other.id !== id);
    this.deployments.value = [head, ...others].toSorted((one, other) => other.number - one.number).slice(0, KEPT);
  }

  #takeRun(view: DeploymentView): void {
    this.takeHead(view);
    if (!hasEnded(view)) return;
    this.run.settle(view);
    void this.#readFacts();
  }

  #takeEnvironment({ stages, ...environment }: EnvironmentStateView): void {
    const { version } = environment;
    if (version < (this.environment.peek()?.version ?? 0)) return;
    this.environment.value = environment;
    const isNew = version > this.board.version;
    this.board.take({ version, stages });
    if (isNew) void this.#readFacts();
  }

  #take({ name, data }: ServerEvent): void {
    switch (name) {
      case 'environment':
        this.#takeEnvironment(data as EnvironmentStateView);
        break;
      case 'deployment':
        this.takeHead(data as DeploymentHead);
        break;
      case 'running':
      case 'change':
        this.#takeRunning(data as RunningChange);
        break;
      case 'away':
        this.away.value = data as ProblemDetails;
        this.status.value = null;
        break;
      case 'removed':
        this.problem.value = gone(this.project, this.name);
    }
  }

  #takeRunning({ status, services }: RunningChange): void {
    this.status.value = status;
    this.away.value = null;
    for (const service of services) show(this.board.card(service.name).running, service);
  }

  /** Undoes the last edit of this page, unless somebody has changed it since. */
  undo(): void {
    const last = this.#undoable;
    if (last === null) return;
    this.#undoable = null;
    if (stands(this.board.stages.peek(), last.edit)) void this.board.edit(...last.undo);
    else tell('It was changed since, so it is not undone');
  }

  #tellDone(edit: Edit, undo: readonly Edit[]): void {
    const later = this.active.peek() === null ? '' : '. It counts from the next deployment';
    const undoable = { edit, undo };
    this.#undoable = undoable;
    tell(`${told(edit)}${later}`, {
      text: 'Undo',
      run: () => {
        this.#undoable = undoable;
        this.undo();
      },
    });
  }
}

function gone(project: string, name: string): ProblemDetails {
  return { type: 'about:blank', title: 'gone', status: 404, detail: `${project}/${name} is gone`, code: 'not-found' };
}

/** Whether nothing will happen in a deployment any more. */
export function hasEnded({ state }: DeploymentHead): boolean {
  return state !== 'queued' && state !== 'running' && state !== 'canceling';
}

const Context = createContext<EnvironmentStore | null>(null);

export const EnvironmentProvider = Context.Provider;

/** The environment that this page is about. */
export function useEnvironment(): EnvironmentStore {
  const store = useContext(Context);
  if (store === null) throw new Error('this component stands below the frame of an environment');
  return store;
}

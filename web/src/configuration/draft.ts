/**
 * A file that is being edited: the text, what the server says against it, and what applying it would do. The text is checked by the
 * server shortly after each change, and is only ever applied to the version that it was made from.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type FileProblem, type ProblemDetails, Refusal } from '../api/request';
import type { ReadFile } from './calls';
import { FileDocument } from './file-document';
import type { AppliedView } from './wire';

/** The calls that a draft needs. */
export interface DraftCalls {
  /** Absent for an environment that is to be made. */
  read?: () => Promise<ReadFile>;
  validate: (text: string, signal: AbortSignal) => Promise<AppliedView>;
  apply: (text: string, version: number | 'new', prune: boolean) => Promise<AppliedView>;
}

/** Somebody else was first. */
export interface Conflict {
  /** What the server has now. */
  theirs: ReadFile;
  /** What it had when the draft was begun. */
  base: string;
}

/** How long nobody types before the server is asked. */
const PAUSE = 400;

export class Draft {
  readonly text: Signal<string>;
  /** What the server has, as far as is known. */
  readonly stored: Signal<ReadFile | null> = signal(null);
  readonly problems: Signal<readonly FileProblem[]> = signal([]);
  /** What is wrong apart from places in the file. */
  readonly refusal: Signal<ProblemDetails | null> = signal(null);
  readonly would: Signal<AppliedView | null> = signal(null);
  readonly checking: Signal<boolean> = signal(false);
  readonly applying: Signal<boolean> = signal(false);
  readonly conflict: Signal<Conflict | null> = signal(null);
  /** Why the stored file could not be read. */
  readonly unread: Signal<ProblemDetails | null> = signal(null);

  readonly document: ReadonlySignal<FileDocument> = computed(() => {
    const text = this.text.value;
    return this.#changed?.readAs(text) ?? new FileDocument(text);
  });
  readonly isChanged: ReadonlySignal<boolean> = computed(() => this.text.value !== (this.stored.value?.text ?? ''));
  /** The problems by their place. */
  readonly byPath: ReadonlySignal<ReadonlyMap<string, readonly FileProblem[]>> = computed(() => {
    const found = new Map<string, FileProblem[]>();
    for (const problem of this.problems.value) found.set(problem.path, [...(found.get(problem.path) ?? []), problem]);
    return found;
  });

  /** The document that a form has changed. */
  #changed: FileDocument | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked: AbortController | undefined;

  /** @param own the name that the file must keep, and the project of an environment; absent for a new one */
  constructor(
    readonly calls: DraftCalls,
    initial = '',
    readonly own?: { project?: string; name: string },
  ) {
    this.text = signal(initial);
  }

  /** Reads the stored file; a text that was changed stays. */
  async open(): Promise<void> {
    if (this.calls.read === undefined) return;
    try {
      const stored = await this.calls.read();
      batch(() => {
        if (!this.isChanged.peek()) this.text.value = stored.text;
        this.stored.value = stored;
        this.unread.value = null;
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.unread.value = error.problem;
    }
  }

  /** The environment has another version now. */
  async elsewhere(version: number): Promise<void> {
    const stored = this.stored.peek();
    if (stored === null || stored.version >= version || this.applying.peek()) return;
    if (!this.isChanged.peek()) await this.open();
    else await this.#meet(stored);
  }

  /** Takes over what was typed. */
  edit(text: string): void {
    if (text === this.text.peek()) return;
    this.#changed = this.document.peek();
    this.text.value = text;
    this.would.value = null;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.check(), PAUSE);
  }

  /** Asks the server what it thinks of the text; tells whether it takes it. */
  async check(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    const asked = new AbortController();
    this.#asked = asked;
    this.checking.value = true;
    try {
      const foreign = this.#foreign();
      if (foreign !== null) {
        this.#refused(foreign);
        return false;
      }
      const would = await this.calls.validate(this.text.peek(), asked.signal);
      if (this.own === undefined && would.version > 0) {
        this.#refused(taken(would));
        return false;
      }
      batch(() => {
        this.problems.value = [];
        this.refusal.value = null;
        this.would.value = would;
      });
      return true;
    } catch (error) {
      if (asked.signal.aborted) return false;
      if (!(error instanceof Refusal)) throw error;
      this.#refused(error.problem);
      return false;
    } finally {
      if (this.#asked === asked) this.checking.value = false;
    }
  }

  /** Applies the text; what it did, or nothing when it was refused. */
  async apply(prune: boolean): Promise<AppliedView | null> {
    clearTimeout(this.#timer);
    const stored = this.stored.peek();
    this.applying.value = true;
    try {
      const text = this.text.peek();
      const foreign = this.#foreign();
      if (foreign !== null) {
        this.#refused(foreign);
        return null;
      }
      const applied = await this.calls.apply(text, this.own === undefined ? 'new' : (stored?.version ?? 0), prune);
      batch(() => {
        this.problems.value = [];
        this.refusal.value = null;
        this.would.value = null;
        this.stored.value = { text, version: applied.version };
      });
      // The server writes the file in its own way; a text that was typed on meanwhile stays.
      if (this.own !== undefined && this.text.peek() === text) await this.open();
      return applied;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.problem.code === 'version-stale' && stored !== null) await this.#meet(stored);
      else this.#refused(error.problem);
      return null;
    } finally {
      this.applying.value = false;
    }
  }

  /** Goes on with the own text, on top of what somebody else made: applying it then takes the place of theirs. */
  keepMine(): void {
    const conflict = this.conflict.peek();
    if (conflict === null) return;
    batch(() => {
      this.stored.value = conflict.theirs;
      this.conflict.value = null;
    });
    void this.check();
  }

  /** Gives the own text up. */
  takeTheirs(): void {
    const theirs = this.conflict.peek()?.theirs ?? this.stored.peek();
    if (theirs === null) return;
    clearTimeout(this.#timer);
    this.#asked?.abort();
    batch(() => {
      this.stored.value = theirs;
      this.text.value = theirs.text;
      this.conflict.value = null;
      this.problems.value = [];
      this.refusal.value = null;
      this.would.value = null;
    });
  }

  async #meet(base: ReadFile): Promise<void> {
    if (this.calls.read === undefined) return;
    try {
      const theirs = await this.calls.read();
      this.conflict.value = { theirs, base: base.text };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refused(error.problem);
    }
  }

  #refused(problem: ProblemDetails): void {
    batch(() => {
      this.would.value = null;
      this.problems.value = problem.problems ?? [];
      this.refusal.value = problem.problems === undefined ? problem : null;
    });
  }

  /** The file of another environment or project would change that one. */
  #foreign(): ProblemDetails | null {
    if (this.own === undefined || this.document.peek().broken !== null) return null;
    const { project, name } = this.own;
    const document = this.document.peek();
    const own = project === undefined ? name : `${project}/${name}`;
    const found = project === undefined ? '' : `${String(document.get(['project']) ?? 'default')}/`;
    const named = `${found}${String(document.get(['name']))}`;
    if (named === own) return null;
    return {
      type: 'about:blank',
      title: 'file of another',
      status: 422,
      detail: `the file is of ${named}, and this page is of ${own}`,
      code: 'file-of-another',
      hint: 'what is stored keeps its name; make a new environment from this file with “New environment”',
    };
  }
}

/** A new environment would change one that is there. */
function taken({ project, name }: AppliedView): ProblemDetails {
  return {
    type: 'about:blank',
    title: 'environment exists',
    status: 412,
    detail: `there is an environment ${project}/${name} already`,
    code: 'environment-exists',
    hint: 'choose another name or project, or edit the one that is there in its tab File',
  };
}

/**
 * The board of one environment: the stages as the server has them, the edits that are on their way, and a card for each service.
 *
 * An edit is shown at once and sent with the version that it was made on, one after the other. What others change meanwhile is shown
 * when nothing is on its way any more. A version that is not the server's any more is a {@link Conflict}: nothing is overwritten, what
 * changed is told, and the edit can be done again.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type ProblemDetails, Refusal } from '../api/request';
import type { BoardServiceView, EditedView } from '../environment/wire';
import { type Card, type CardFacts, newCard } from './card';
import { type Column, columnsOf } from './columns';
import { applied, difference, type Edit, find, inverse, isIdle, type Stages } from './pipeline';

/** The stages at a version of their environment. */
export interface Pipeline {
  version: number;
  stages: Stages;
}

/** An edit that was made on a version that is not there any more. */
export interface Conflict {
  edits: readonly Edit[];
  /** What is different now; empty when it is something else than the pipeline. */
  changes: readonly string[];
}

/** How the board reaches the server, and what it tells. */
export interface Outside {
  send(edit: Edit, version: number): Promise<EditedView>;
  read(): Promise<Pipeline>;
  /** An edit is done; `undo` brings back what was. */
  done(edit: Edit, undo: readonly Edit[]): void;
  /** Somebody else changed something. */
  changed(changes: readonly string[]): void;
}

export class Board {
  readonly #stored = signal<Pipeline | null>(null);
  readonly #pending = signal<readonly Edit[]>([]);
  readonly #preview = signal<Edit | null>(null);
  readonly #cards = new Map<string, Card>();
  /** What others stored while edits were on their way. */
  #held: Pipeline | null = null;
  #sending = false;
  /** What is told once the last edit of a call is done. */
  #after: { edit: Edit; undo: readonly Edit[] }[] = [];

  /** Why the last edit was not done. */
  readonly problem: Signal<ProblemDetails | null> = signal(null);
  readonly conflict: Signal<Conflict | null> = signal(null);

  /** The stages with all edits that are on their way. */
  readonly stages: ReadonlySignal<Stages> = computed(() =>
    this.#pending.value.reduce(applied, this.#stored.value?.stages ?? []),
  );

  #drawn: readonly Column[] = [];
  /** The columns, also with the edit that is only tried. */
  readonly columns: ReadonlySignal<readonly Column[]> = computed(() => {
    const preview = this.#preview.value;
    const stages = preview === null ? this.stages.value : applied(this.stages.value, preview);
    this.#drawn = columnsOf(stages, this.#drawn);
    return this.#drawn;
  });

  constructor(readonly outside: Outside) {}

  /** The version that is shown. */
  get version(): number {
    return this.#stored.value?.version ?? 0;
  }

  get isLoaded(): boolean {
    return this.#stored.value !== null;
  }

  /** The card of a service that is on the board. */
  card(name: string): Card {
    const known = this.#cards.get(name);
    if (known !== undefined) return known;
    const place = find(this.stages.peek(), name);
    const facts: CardFacts = {
      kind: place?.service.kind ?? 'application',
      stage: place?.stage.name ?? '',
      skipped: place?.service.skipped ?? false,
      wanted: null,
      deployed: null,
      urls: [],
      last: null,
    };
    const card = newCard(name, facts);
    this.#cards.set(name, card);
    return card;
  }

  /** Takes over what is wanted and deployed of the services that are on the board. */
  takeFacts(services: readonly BoardServiceView[]): void {
    for (const { name, wanted, deployed = null, urls = [], lastDeployment: last = null } of services) {
      const known = this.#cards.get(name);
      if (known !== undefined) known.facts.value = { ...known.facts.peek(), wanted, deployed, urls, last };
    }
  }

  cards(): Iterable<Card> {
    return this.#cards.values();
  }

  /** Shows an edit that is only tried, while a card or a column is carried; `null` shows what is. */
  preview(edit: Edit | null): void {
    this.#preview.value = edit;
  }

  /** Takes over what the server has now. */
  take(pipeline: Pipeline): void {
    if (this.#pending.peek().length > 0) {
      if (pipeline.version > (this.#held?.version ?? this.version)) this.#held = pipeline;
      return;
    }
    const before = this.#stored.peek();
    if (before !== null && pipeline.version < before.version) return;
    this.#store(pipeline);
    if (before === null || pipeline.version === before.version) return;
    const changes = difference(before.stages, pipeline.stages);
    if (changes.length > 0) this.outside.changed(changes);
  }

  #store(pipeline: Pipeline): void {
    batch(() => {
      this.#stored.value = pipeline;
      const there = new Set<string>();
      for (const stage of pipeline.stages) {
        for (const { name, kind, skipped } of stage.services) {
          there.add(name);
          const { facts } = this.card(name);
          const now = facts.peek();
          if (now.kind !== kind || now.skipped !== skipped || now.stage !== stage.name) {
            facts.value = { ...now, kind, skipped, stage: stage.name };
          }
        }
      }
      for (const name of this.#cards.keys()) if (!there.has(name)) this.#cards.delete(name);
    });
  }

  /** Does edits, one after the other; what brings all of them back is told with the last. */
  async edit(...edits: readonly Edit[]): Promise<void> {
    const wanted = edits.filter((edit) => edits.length > 1 || !isIdle(this.stages.peek(), edit));
    const first = wanted[0];
    if (first === undefined) return;
    this.problem.value = null;
    this.conflict.value = null;
    let undo: Edit[] = [];
    let stages = this.stages.peek();
    for (const edit of wanted) {
      undo = [...inverse(stages, edit), ...undo];
      stages = applied(stages, edit);
    }
    this.#pending.value = [...this.#pending.peek(), ...wanted];
    this.#after.push({ edit: wanted[wanted.length - 1] ?? first, undo });
    if (!this.#sending) await this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    try {
      while (true) {
        const edit = this.#pending.peek()[0];
        if (edit === undefined) break;
        const answer = await this.outside.send(edit, this.version);
        batch(() => {
          this.#store({ version: answer.version, stages: answer.stages });
          this.#pending.value = this.#pending.peek().slice(1);
        });
        const told = this.#after[0];
        if (told?.edit === edit) {
          this.#after.shift();
          this.outside.done(edit, told.undo);
        }
      }
    } catch (error) {
      await this.#refused(error);
    } finally {
      this.#sending = false;
    }
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.take(held);
  }

  async #refused(error: unknown): Promise<void> {
    if (!(error instanceof Refusal)) throw error;
    const edits = this.#pending.peek();
    const before = this.stages.peek();
    const stored = this.#stored.peek();
    this.#after = [];
    let now: Pipeline | null = null;
    try {
      now = await this.outside.read();
    } catch (unreadable) {
      if (!(unreadable instanceof Refusal)) throw unreadable;
    }
    batch(() => {
      if (now !== null) this.#store(now);
      this.#pending.value = [];
      if (error.problem.status === 412 && now !== null) {
        this.conflict.value = { edits, changes: difference(stored?.stages ?? before, now.stages) };
      } else {
        this.problem.value = error.problem;
      }
    });
  }

  /** Does the edits of a conflict again, on what there is now. */
  again(): void {
    const conflict = this.conflict.peek();
    this.conflict.value = null;
    if (conflict !== null) void this.edit(...conflict.edits);
  }
}

/** What somebody sees of the log of one service: its steps, folded or not. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { LogLine, Phase } from '../run/wire';
import type { LogBook } from './log-book';
import { LogLayout } from './log-layout';
import { ROW } from './log-window';
import { RowView } from './row-view';

export class LogPane extends RowView {
  /** `null` until the log has been read. */
  readonly books: Signal<Map<Phase, LogBook> | null>;
  readonly folded: Signal<ReadonlySet<Phase>>;
  /** The steps and their rows. */
  readonly layout: ReadonlySignal<LogLayout>;

  /** @param steps the steps that the service has */
  constructor(steps: ReadonlySignal<Phase[]>) {
    const books: Signal<Map<Phase, LogBook> | null> = signal(null);
    const folded: Signal<ReadonlySet<Phase>> = signal(new Set());
    const layout = computed(() => {
      const sections = steps.value.map((phase) => {
        const lines = books.value?.get(phase)?.count.value ?? 0;
        return { phase, lines, isOpen: !folded.value.has(phase) };
      });
      return new LogLayout(sections);
    });
    super(computed(() => layout.value.rows));
    this.books = books;
    this.folded = folded;
    this.layout = layout;
  }

  /** A line by the row's step and place. */
  line(phase: Phase, place: number): LogLine | null | undefined {
    return this.books.peek()?.get(phase)?.at(place);
  }

  /** Moves when lines have come that were not there. */
  get changed(): number {
    return [...(this.books.value?.values() ?? [])].reduce((sum, book) => sum + book.changed.value, 0);
  }

  /** Whether lines can not be fetched. */
  get isBroken(): boolean {
    return [...(this.books.value?.values() ?? [])].some((book) => book.broken.value);
  }

  /** Sees to it that these rows have their lines. */
  want(first: number, end: number): void {
    for (const { phase, from, to } of this.layout.peek().lines(first, end)) this.books.peek()?.get(phase)?.want(from, to);
  }

  /** Shows a line in the middle of the window. */
  show(phase: Phase, place: number): void {
    this.open(phase);
    this.showRow(this.layout.peek().rowOf(phase, place));
  }

  /** Shows the line with a number. */
  async showNumber(phase: Phase, number: number): Promise<void> {
    const place = await this.books.peek()?.get(phase)?.placeOf(number);
    if (place !== undefined) this.show(phase, place);
  }

  /** Shows the last lines of a step. */
  showEndOf(phase: Phase): void {
    this.open(phase);
    this.fit();
    this.window.moveTo(this.layout.peek().endOf(phase) - this.viewport.peek() / ROW);
    this.moved.value += 1;
  }

  toggle(phase: Phase): void {
    if (this.folded.peek().has(phase)) this.open(phase);
    else this.folded.value = new Set([...this.folded.peek(), phase]);
    this.following.value = false;
  }

  /** New lines of a running step. */
  append(lines: LogLine[]): void {
    for (const [phase, book] of this.books.peek() ?? []) book.append(lines.filter((line) => line.phase === phase));
  }

  private open(phase: Phase): void {
    if (!this.folded.peek().has(phase)) return;
    this.folded.value = new Set([...this.folded.peek()].filter((other) => other !== phase));
  }
}

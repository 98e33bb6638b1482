/** What somebody sees of the log of one service: its steps, folded or not, the window on them, and whether it follows the end. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { LogLine, Phase } from '../run/wire';
import type { LogBook } from './log-book';
import { LogLayout } from './log-layout';
import { LogWindow, ROW } from './log-window';

/** How long nobody has scrolled before the scrollbar is set right. */
const REST = 200;

export class LogPane {
  /** `null` until the log has been read. */
  readonly books: Signal<Map<Phase, LogBook> | null> = signal(null);
  readonly folded: Signal<ReadonlySet<Phase>> = signal(new Set());
  /** Whether new lines move the window to the end. */
  readonly following = signal(false);
  /** Moves when the window has moved. */
  readonly moved = signal(0);
  readonly viewport = signal(0);
  readonly wraps = signal(false);
  readonly window = new LogWindow();
  /** The steps and their rows. A step without a line is left out unless it is in `steps`. */
  readonly layout: ReadonlySignal<LogLayout>;
  private resting: ReturnType<typeof setTimeout> | undefined;

  /** @param steps the steps that the service has */
  constructor(steps: ReadonlySignal<Phase[]>) {
    this.layout = computed(() => {
      const books = this.books.value;
      const sections = steps.value.map((phase) => {
        const lines = books?.get(phase)?.count.value ?? 0;
        return { phase, lines, isOpen: !this.folded.value.has(phase) };
      });
      return new LogLayout(sections);
    });
  }

  /** A line by the row's step and place. */
  line(phase: Phase, place: number): LogLine | undefined {
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

  /** Fits the window to the rows; gives back which to draw. */
  fit(): [number, number] {
    this.window.wraps = this.wraps.value;
    this.window.resize(this.layout.value.rows, this.viewport.value);
    if (this.following.value) this.window.moveToEnd();
    return this.window.drawn();
  }

  /** Sees to it that these rows have their lines. */
  want(first: number, end: number): void {
    for (const { phase, from, to } of this.layout.peek().lines(first, end)) this.books.peek()?.get(phase)?.want(from, to);
  }

  /** Somebody scrolled; `settle` sets the scrollbar right once he rests. */
  scrolled(scrollTop: number, settle: () => void): void {
    if (Math.abs(scrollTop - this.window.scrollTop) < 1) return;
    this.window.scrolled(scrollTop);
    this.following.value = this.window.atEnd;
    this.moved.value += 1;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.window.moveTo(this.window.top);
      this.moved.value += 1;
      settle();
    }, REST);
  }

  /** Shows a line in the middle of the window. */
  show(phase: Phase, place: number): void {
    this.open(phase);
    this.following.value = false;
    this.fit();
    this.window.show(this.layout.peek().rowOf(phase, place));
    this.moved.value += 1;
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

  /** Goes with the end from now on. */
  follow(): void {
    this.following.value = true;
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

  close(): void {
    clearTimeout(this.resting);
  }

  private open(phase: Phase): void {
    if (!this.folded.peek().has(phase)) return;
    this.folded.value = new Set([...this.folded.peek()].filter((other) => other !== phase));
  }
}

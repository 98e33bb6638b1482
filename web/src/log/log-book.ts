/**
 * The lines of one step of one service, by their place in it. Pages are fetched when the window comes to them and forgotten when it is
 * far away, so that a million lines cost as much as a few thousand. New lines of a running step are written at the end.
 */
import { type Signal, signal } from '@preact/signals';
import type { LogLine } from '../run/wire';

/** Lines of one page. */
export const PAGE = 500;

/** How long a page that did not come whole is not asked for again, in milliseconds. */
const PATIENCE = 1000;

/** Pages that are kept; the farthest are forgotten first. */
const MOST_PAGES = 60;

/** Where lines come from. */
export interface LogSource {
  /**
   * The lines from a place on, in order, each with its position from 1; fewer than `limit` only at the end. A log that grew too long has
   * lost lines in its middle: their positions are passed over.
   */
  page(from: number, limit: number): Promise<LogLine[]>;
  /** The place of the line with this number: how many lines of the step are before it. */
  placeOf(number: number): Promise<number>;
}

/** The lines of a step. */
export class LogBook {
  /** How many lines there are. */
  readonly count: Signal<number>;
  /** Moves when lines have come. */
  readonly changed = signal(0);
  /** The last page could not be fetched. */
  readonly broken = signal(false);
  /** What stands at each place of a page: a line, or nothing where it was cut out. */
  private readonly pages = new Map<number, (LogLine | null)[]>();
  /** Pages that are on their way, or that are not asked for again just yet. */
  private readonly asked = new Set<number>();
  private lastNumber: number;

  /** @param last the number of the last of the `count` lines */
  constructor(
    private readonly source: LogSource,
    count: number,
    last: number,
  ) {
    this.count = signal(count);
    this.lastNumber = last;
  }

  /** The number of the last line that is counted. */
  get last(): number {
    return this.lastNumber;
  }

  /** A line by its place; `undefined` until it has come, `null` when it was cut out of the log. */
  at(place: number): LogLine | null | undefined {
    return this.pages.get(Math.floor(place / PAGE))?.[place % PAGE];
  }

  /** Sees to it that the lines of these places come. */
  want(first: number, end: number): void {
    if (end <= first) return;
    for (let page = Math.floor(first / PAGE); page <= Math.floor((end - 1) / PAGE); page += 1) {
      if (!this.isWhole(page) && !this.asked.has(page)) void this.fetch(page);
    }
    this.forget(Math.floor((first + end) / 2 / PAGE));
  }

  /** Writes new lines at the end; those that are counted already are passed over. */
  append(lines: LogLine[]): void {
    let count = this.count.peek();
    for (const line of lines) {
      if (line.number <= this.lastNumber) continue;
      this.lastNumber = line.number;
      const page = Math.floor(count / PAGE);
      const place = count % PAGE;
      const held = this.pages.get(page) ?? (place === 0 ? [] : undefined);
      // A page that is not here is fetched when somebody looks at it.
      if (held !== undefined && held.length === place) this.pages.set(page, [...held, line]);
      count += 1;
    }
    this.grow(count);
  }

  /** The place of the line with a number. */
  async placeOf(number: number): Promise<number> {
    const place = await this.source.placeOf(number);
    return Math.min(place, Math.max(0, this.count.peek() - 1));
  }

  /** All lines of these places that the log still has, also those that are not here. */
  async read(first: number, end: number): Promise<LogLine[]> {
    const found: LogLine[] = [];
    let from = first;
    while (from < end) {
      const lines = await this.source.page(from, Math.min(1000, end - from));
      const last = lines.at(-1);
      if (last === undefined) break;
      found.push(...lines.filter((line, index) => placeIn(line, from + index) < end));
      from = placeIn(last, from + lines.length - 1) + 1;
    }
    return found;
  }

  private isWhole(page: number): boolean {
    const wanted = Math.min(PAGE, this.count.peek() - page * PAGE);
    return (this.pages.get(page)?.length ?? 0) >= wanted;
  }

  private async fetch(page: number): Promise<void> {
    this.asked.add(page);
    try {
      const from = page * PAGE;
      const lines = await this.source.page(from, PAGE);
      const slots = slotsOf(lines, from);
      // Lines that were appended meanwhile are longer than the answer.
      if (slots.length >= (this.pages.get(page)?.length ?? 0)) this.pages.set(page, slots);
      const last = lines.at(-1);
      if (last !== undefined && last.number > this.lastNumber) {
        this.lastNumber = last.number;
        this.grow(placeIn(last, from + lines.length - 1) + 1);
      }
      this.broken.value = false;
    } catch {
      this.broken.value = true;
    }
    if (this.isWhole(page)) this.asked.delete(page);
    else setTimeout(() => this.askAgain(page), PATIENCE);
    this.changed.value += 1;
  }

  /** Who looks at the page asks for it again. */
  private askAgain(page: number): void {
    this.asked.delete(page);
    this.changed.value += 1;
  }

  private grow(count: number): void {
    if (count <= this.count.peek()) return;
    this.count.value = count;
    this.changed.value += 1;
  }

  private forget(middle: number): void {
    if (this.pages.size <= MOST_PAGES) return;
    const far = [...this.pages.keys()].sort((one, other) => Math.abs(other - middle) - Math.abs(one - middle));
    for (const page of far.slice(0, this.pages.size - MOST_PAGES)) this.pages.delete(page);
  }
}

/** The place of a line, from 0; a line of a stream does not know it. */
function placeIn(line: LogLine, otherwise: number): number {
  return line.position === undefined ? otherwise : line.position - 1;
}

/** The lines of an answer at their places from one on; what they pass over was cut out. */
function slotsOf(lines: LogLine[], from: number): (LogLine | null)[] {
  const slots: (LogLine | null)[] = [];
  for (const [index, line] of lines.entries()) {
    const place = placeIn(line, from + index) - from;
    while (slots.length < Math.min(place, PAGE)) slots.push(null);
    if (place < PAGE) slots.push(line);
  }
  return slots;
}

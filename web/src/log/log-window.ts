/**
 * Which rows of a long list stand in the window. All rows are equally high. A browser lets no element be taller than some ten million
 * pixels, so beyond {@link TALLEST} the scrollbar stands for the list on a smaller scale; small movements still move by their own pixels.
 */

/** The height of a row, in pixels; the styles have the same. */
export const ROW = 20;

/** The tallest that the scrolled element becomes. Firefox ends at 17.8 million. */
export const TALLEST = 15_000_000;

/** Rows that are drawn above and below the window. */
const MARGIN = 12;

/** A scrolled list: where its top is, in rows. */
export class LogWindow {
  rows = 0;
  viewport = 0;
  /** The row at the top, with its part that is out of sight. */
  top = 0;
  /** Where the scrollbar is. */
  scrollTop = 0;
  /** Whether rows may be higher than {@link ROW}: then the scrollbar counts rows, and the last one can be moved to the top. */
  wraps = false;

  /** The height of the scrolled element. */
  get height(): number {
    return Math.max(this.viewport, Math.min(this.lastTop * ROW + this.viewport, TALLEST));
  }

  /** The highest top there can be. */
  private get lastTop(): number {
    return Math.max(0, this.wraps ? this.rows - 1 : this.rows - this.viewport / ROW);
  }

  /** The highest place of the scrollbar. */
  private get lastScroll(): number {
    return this.height - this.viewport;
  }

  /** Whether rows and pixels of the scrollbar are the same. */
  private get exact(): boolean {
    return this.lastTop * ROW + this.viewport <= TALLEST;
  }

  /** Whether the end is in the window. */
  get atEnd(): boolean {
    return this.top >= this.lastTop - 0.5;
  }

  /** The list has another length, or its window another height. */
  resize(rows: number, viewport: number): void {
    this.rows = rows;
    this.viewport = viewport;
    this.moveTo(this.top);
  }

  /** Somebody scrolled. */
  scrolled(scrollTop: number): void {
    const moved = scrollTop - this.scrollTop;
    this.scrollTop = scrollTop;
    if (this.exact) this.top = scrollTop / ROW;
    else if (scrollTop <= 0) this.top = 0;
    else if (scrollTop >= this.lastScroll - 1) this.top = this.lastTop;
    // A jump of the scrollbar goes by its scale, a turn of the wheel by its pixels.
    else if (Math.abs(moved) > this.viewport * 1.5) this.top = (scrollTop / this.lastScroll) * this.lastTop;
    else this.top += moved / ROW;
    this.top = Math.min(Math.max(0, this.top), this.lastTop);
  }

  /** Moves a row to the top; the scrollbar then belongs at {@link scrollTop}. */
  moveTo(row: number): void {
    this.top = Math.min(Math.max(0, row), this.lastTop);
    this.scrollTop = this.exact ? this.top * ROW : this.lastTop === 0 ? 0 : (this.top / this.lastTop) * this.lastScroll;
  }

  /** Moves a row to the middle, unless it is well in the window. */
  show(row: number): void {
    const seen = this.viewport / ROW;
    if (row >= this.top + 1 && row <= this.top + seen - 3) return;
    this.moveTo(row - Math.floor(seen / 2));
  }

  /** Moves to the end. */
  moveToEnd(): void {
    this.moveTo(this.lastTop);
  }

  /** The rows to draw: from the first to before the second. Rows that wrap may be too few for the window at the end of the list. */
  drawn(): [number, number] {
    const seen = Math.ceil(this.viewport / ROW);
    const first = Math.max(0, Math.min(Math.floor(this.top) - MARGIN, this.rows - seen));
    return [first, Math.min(this.rows, Math.ceil(this.top + this.viewport / ROW) + MARGIN)];
  }

  /** Where a row is drawn, in pixels of the scrolled element. */
  offsetOf(row: number): number {
    return this.scrollTop + (row - this.top) * ROW;
  }
}

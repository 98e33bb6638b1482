/** What somebody sees of a long list of rows: the window on them, and whether it follows the end. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { LogWindow } from './log-window';

/** How long nobody has scrolled before the scrollbar is set right. */
const REST = 200;

export class RowView {
  /** Whether new rows move the window to the end. */
  readonly following = signal(false);
  /** Moves when the window has moved. */
  readonly moved = signal(0);
  readonly viewport = signal(0);
  readonly wraps = signal(false);
  readonly window = new LogWindow();
  private resting: ReturnType<typeof setTimeout> | undefined;

  /** @param rows how many there are */
  constructor(readonly rows: ReadonlySignal<number>) {}

  /** Fits the window to the rows; gives back which to draw. */
  fit(): [number, number] {
    this.window.wraps = this.wraps.value;
    this.window.resize(this.rows.value, this.viewport.value);
    if (this.following.value) this.window.moveToEnd();
    return this.window.drawn();
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

  /** Shows a row in the middle of the window. */
  showRow(row: number): void {
    this.following.value = false;
    this.fit();
    this.window.show(row);
    this.moved.value += 1;
  }

  /** Goes with the end from now on. */
  follow(): void {
    this.following.value = true;
    this.moved.value += 1;
  }

  close(): void {
    clearTimeout(this.resting);
  }
}

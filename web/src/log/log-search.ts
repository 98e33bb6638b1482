/** A text that is searched for in the log of a service: the server looks, page by page, and what it has found can be stepped through. */
import { signal } from '@preact/signals';
import { logLines } from '../run/requests';
import type { LogLine } from '../run/wire';

/** Matches that are fetched without being asked for. */
const ENOUGH = 500;

export class LogSearch {
  /** Found so far, in the order of the log. */
  readonly matches = signal<LogLine[]>([]);
  /** Which of them is shown. */
  readonly current = signal(-1);
  /** Whether the whole log has been looked at. */
  readonly isWhole = signal(false);
  readonly isLooking = signal(false);
  private cursor: string | undefined;
  private readonly aborted = new AbortController();

  constructor(
    private readonly deployment: string,
    private readonly service: string,
    readonly text: string,
  ) {}

  /** Looks until something is found, and on until there is enough. */
  async begin(): Promise<void> {
    await this.look(ENOUGH);
  }

  stop(): void {
    this.aborted.abort();
  }

  /** The next match after the one that is shown, or the one before; behind the last comes the first. */
  async step(by: 1 | -1): Promise<LogLine | undefined> {
    const next = this.current.value + by;
    if (next >= this.matches.value.length && !this.isWhole.value) await this.look(next + ENOUGH);
    const count = this.matches.value.length;
    if (count === 0) return undefined;
    this.current.value = (next + count) % count;
    return this.matches.value[this.current.value];
  }

  private async look(wanted: number): Promise<void> {
    if (this.isLooking.value || this.isWhole.value) return;
    this.isLooking.value = true;
    try {
      while (!this.isWhole.value && this.matches.value.length < wanted && !this.aborted.signal.aborted) {
        const query = { service: this.service, search: this.text, limit: 500 };
        const page = await logLines(
          this.deployment,
          this.cursor === undefined ? query : { ...query, cursor: this.cursor },
          this.aborted.signal,
        );
        this.matches.value = [...this.matches.value, ...page.items];
        this.cursor = page.nextCursor;
        this.isWhole.value = page.nextCursor === undefined;
      }
    } finally {
      this.isLooking.value = false;
    }
  }
}

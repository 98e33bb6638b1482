/** The rows of a log: for each step a heading, and its lines unless it is folded. */
import type { Phase } from '../run/wire';

/** Rows that a heading takes. */
export const HEADING = 2;

/** A step of the log. */
export interface Section {
  phase: Phase;
  lines: number;
  isOpen: boolean;
}

/** What a row shows. */
export type Row = { phase: Phase; line: number } | { phase: Phase; heading: true } | undefined;

/** Steps one below the other. */
export class LogLayout {
  private readonly starts: number[] = [];
  readonly rows: number;

  constructor(readonly sections: Section[]) {
    let row = 0;
    for (const section of sections) {
      this.starts.push(row);
      row += HEADING + (section.isOpen ? section.lines : 0);
    }
    this.rows = row;
  }

  /** The first row of a step, which is its heading. */
  headingOf(phase: Phase): number {
    return this.starts[this.sections.findIndex((section) => section.phase === phase)] ?? 0;
  }

  /** The row of a line. */
  rowOf(phase: Phase, line: number): number {
    return this.headingOf(phase) + HEADING + line;
  }

  /** The row after the last of a step. */
  endOf(phase: Phase): number {
    const index = this.sections.findIndex((section) => section.phase === phase);
    return this.starts[index + 1] ?? this.rows;
  }

  /** What a row shows; nothing on the second row of a heading. */
  at(row: number): Row {
    const index = this.starts.findLastIndex((start) => start <= row);
    const section = this.sections[index];
    if (section === undefined || row >= this.rows) return undefined;
    const within = row - (this.starts[index] ?? 0);
    if (within === 0) return { phase: section.phase, heading: true };
    return within < HEADING ? undefined : { phase: section.phase, line: within - HEADING };
  }

  /** The step whose heading has left the window above, if its lines are at the top. */
  pinned(top: number): Phase | undefined {
    const index = this.starts.findLastIndex((start) => start < top);
    const section = this.sections[index];
    return section?.isOpen && section.lines > 0 && top < this.endOf(section.phase) ? section.phase : undefined;
  }

  /** The lines of each step among these rows. */
  lines(first: number, end: number): { phase: Phase; from: number; to: number }[] {
    return this.sections.flatMap(({ phase, lines, isOpen }, index) => {
      const start = (this.starts[index] ?? 0) + HEADING;
      const [from, to] = [Math.max(0, first - start), Math.min(lines, end - start)];
      return isOpen && from < to ? [{ phase, from, to }] : [];
    });
  }
}

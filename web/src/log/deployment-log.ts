/** The log of one service of a deployment, from the API. */
import { logLines } from '../run/requests';
import type { LogLine, Phase } from '../run/wire';
import { LogBook } from './log-book';

const PHASES: Phase[] = ['build', 'release'];

/** The lines of each step of a service as they are now. */
export async function openLog(deployment: string, service: string, signal: AbortSignal): Promise<Map<Phase, LogBook>> {
  const lines = new ServiceLines(deployment, service, signal);
  await lines.readAll();
  return new Map(PHASES.map((phase) => [phase, lines.book(phase)]));
}

/** The lines of a service in order, read page by page. */
class ServiceLines {
  private readonly steps: Record<Phase, LogLine[]> = { build: [], release: [] };
  private last = 0;

  constructor(
    private readonly deployment: string,
    private readonly service: string,
    private readonly signal: AbortSignal,
  ) {}

  book(phase: Phase): LogBook {
    const lines = this.steps[phase];
    const source = {
      page: async (from: number, limit: number) => {
        if (lines.length < from + limit) await this.readAll();
        return lines.slice(from, from + limit);
      },
      placeOf: async (number: number) => lines.filter((line) => line.number < number).length,
    };
    return new LogBook(source, lines.length, this.last);
  }

  /** Reads what has come since the last time. */
  async readAll(): Promise<void> {
    let cursor: string | undefined = String(this.last);
    while (cursor !== undefined) {
      const page = await logLines(this.deployment, { service: this.service, limit: 1000, cursor }, this.signal);
      for (const line of page.items) if (line.number > this.last) this.take(line);
      cursor = page.nextCursor;
    }
  }

  private take(line: LogLine): void {
    this.steps[line.phase].push(line);
    this.last = line.number;
  }
}

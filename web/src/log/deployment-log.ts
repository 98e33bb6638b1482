/** The log of one service of a deployment, from the API. */
import { logLines } from '../run/requests';
import type { LogLine, Phase } from '../run/wire';
import { LogBook, type LogSource } from './log-book';

const PHASES: Phase[] = ['build', 'release'];

/** The lines of each step of a service as they are now. */
export async function openLog(deployment: string, service: string, signal: AbortSignal): Promise<Map<Phase, LogBook>> {
  const lines: LogLine[] = [];
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? { service, limit: 1000 } : { service, limit: 1000, cursor };
    const page = await logLines(deployment, query, signal);
    lines.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return new Map(
    PHASES.map((phase) => {
      const own = lines.filter((line) => line.phase === phase);
      const source: LogSource = {
        page: async (from, limit) => own.slice(from, from + limit),
        placeOf: async (number) => own.filter((line) => line.number < number).length,
      };
      return [phase, new LogBook(source, own.length, lines.at(-1)?.number ?? 0)];
    }),
  );
}

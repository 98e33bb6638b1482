/** The log of one service of a deployment, from the API. */
import { logLines, logSections } from '../run/requests';
import type { Phase } from '../run/wire';
import { LogBook } from './log-book';

const PHASES: Phase[] = ['build', 'release'];

/** The lines of each step of a service as they are now. */
export async function openLog(deployment: string, service: string, signal: AbortSignal): Promise<Map<Phase, LogBook>> {
  const sections = await logSections(deployment, signal);
  const own = sections.filter((section) => section.service === service);
  const books = PHASES.map((phase): [Phase, LogBook] => {
    const section = own.find((one) => one.phase === phase);
    const where = { service, phase };
    const source = {
      page: async (from: number, limit: number) =>
        (await logLines(deployment, { ...where, at: from + 1, limit }, signal)).items,
      placeOf: async (number: number) => {
        const page = await logLines(deployment, { ...where, cursor: String(number - 1), limit: 1 }, signal);
        return (page.items[0]?.position ?? Number.POSITIVE_INFINITY) - 1;
      },
    };
    return [phase, new LogBook(source, section?.lines ?? 0, section?.last ?? 0)];
  });
  return new Map(books);
}

/** Lines that an address names: `?phase=build&line=120-140`, by their numbers, which stay when a log loses its middle. */
import type { Phase } from '../run/wire';

export interface LinkedLines {
  phase: Phase;
  first: number;
  last: number;
}

/** The lines that parameters name. */
export function linkedLines(query: URLSearchParams): LinkedLines | undefined {
  const phase = query.get('phase');
  const found = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(query.get('line') ?? '');
  if ((phase !== 'build' && phase !== 'release') || found === null) return undefined;
  const [one, other] = [Number(found[1]), Number(found[2] ?? found[1])];
  return { phase, first: Math.min(one, other), last: Math.max(one, other) };
}

/** The parameters that name lines; with the ones that are named already, up to a further one. */
export function linkTo(phase: Phase, number: number, from?: LinkedLines): { phase: string; line: string } {
  if (from === undefined || from.phase !== phase || from.first === number) return { phase, line: String(number) };
  return { phase, line: `${Math.min(from.first, number)}-${Math.max(from.first, number)}` };
}

/** Whether a line is named. */
export function isLinked(linked: LinkedLines | undefined, phase: Phase, number: number): boolean {
  return linked !== undefined && linked.phase === phase && linked.first <= number && number <= linked.last;
}

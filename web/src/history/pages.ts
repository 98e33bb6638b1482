/** Pages of a history. */
import type { PastDeployment } from '../run/wire';

/** Pages joined: each deployment once as the later page has it, newest first. */
export function joined(known: PastDeployment[], page: PastDeployment[]): PastDeployment[] {
  const all = new Map(known.map((item) => [item.number, item]));
  for (const item of page) all.set(item.number, item);
  return [...all.values()].sort((one, other) => other.number - one.number);
}

/** What going back over deployments changes. */
import type { PastDeployment, VersionChange } from '../run/wire';

/** The versions of now and before the deployments, which are given newest first. */
export function changesBack(later: PastDeployment[]): VersionChange[] {
  const found = new Map<string, { now: string; before: string | undefined }>();
  for (const { changes } of later) {
    for (const { service, from, to } of changes) {
      const known = found.get(service);
      if (known === undefined) found.set(service, { now: to, before: from });
      else known.before = from;
    }
  }
  return [...found].flatMap(([service, { now, before }]) =>
    before === undefined || before === now ? [] : { service, from: now, to: before },
  );
}

/** A request to deploy, as the address of the plan page says it: what is planned can be linked. */
import type { DeployBody } from '../run/wire';

/** The actions, in the order in which they are offered. */
export const ACTIONS = ['deploy', 'restart', 'stop', 'rollback', 'delete'] as const;

export type Action = (typeof ACTIONS)[number];

/** What can be asked of an environment. */
export interface Wanted {
  action: Action;
  /** Names with their versions; none means all that are not skipped. */
  services: { name: string; version?: string }[];
  current: boolean;
  rebuild: boolean;
  runJobs: boolean;
  backTo: number | undefined;
}

/** Reads `?action=deploy&service=api@v2&service=web&current=on`. */
export function wantedOf(query: URLSearchParams): Wanted {
  const action = ACTIONS.find((known) => known === query.get('action')) ?? 'deploy';
  const backTo = /^\d{1,9}$/.exec(query.get('backTo') ?? '')?.[0];
  return {
    action,
    services: query.getAll('service').map(selection),
    current: query.get('current') === 'on',
    rebuild: query.get('rebuild') === 'on',
    runJobs: query.get('runJobs') === 'on',
    backTo: backTo === undefined ? undefined : Number(backTo),
  };
}

/** `api@v2` as a service with its version. */
function selection(text: string): { name: string; version?: string } {
  const at = text.indexOf('@');
  if (at < 0 || at === text.length - 1) return { name: at < 0 ? text : text.slice(0, at) };
  return { name: text.slice(0, at), version: text.slice(at + 1) };
}

/** Writes it back. */
export function queryOf(wanted: Wanted): URLSearchParams {
  const query = new URLSearchParams();
  if (wanted.action !== 'deploy') query.set('action', wanted.action);
  for (const { name, version } of wanted.services) query.append('service', version === undefined ? name : `${name}@${version}`);
  for (const option of ['current', 'rebuild', 'runJobs'] as const) if (wanted[option]) query.set(option, 'on');
  if (wanted.backTo !== undefined) query.set('backTo', String(wanted.backTo));
  return query;
}

/** The body of the request: an option that means nothing to the action is left out, since the server refuses it. */
export function bodyOf(wanted: Wanted): DeployBody {
  const isDeploy = wanted.action === 'deploy';
  const services = wanted.services.map(({ name, version }) =>
    isDeploy && version !== undefined ? { name, version } : { name },
  );
  return {
    action: wanted.action,
    services,
    ...(isDeploy ? { current: wanted.current, rebuild: wanted.rebuild } : {}),
    ...(wanted.action === 'rollback' ? { runJobs: wanted.runJobs } : {}),
    ...(wanted.action === 'rollback' && wanted.backTo !== undefined ? { backTo: wanted.backTo } : {}),
  };
}

/** The words on the button that does it. */
export function doingOf(wanted: Wanted): string {
  switch (wanted.action) {
    case 'deploy':
      return 'Deploy this';
    case 'restart':
      return 'Restart these';
    case 'stop':
      return 'Stop these';
    case 'rollback':
      return wanted.backTo === undefined ? 'Roll back' : `Roll back to #${wanted.backTo}`;
    case 'delete':
      return 'Delete these';
  }
}

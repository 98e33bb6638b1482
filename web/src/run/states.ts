/** What states mean. */
import type { Service, State } from './wire';

/** Whether nothing will happen any more. */
export function hasEnded(state: State): boolean {
  return state !== 'queued' && state !== 'running' && state !== 'canceling';
}

/** When the first step of a service began. */
export function startedAt(service: Service): string | undefined {
  return service.build?.startedAt ?? service.release.startedAt;
}

/** When its last step ended, if it has ended. */
export function endedAt(service: Service): string | undefined {
  return hasEnded(service.state) ? (service.release.endedAt ?? service.build?.endedAt) : undefined;
}

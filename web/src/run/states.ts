/** What states mean. */
import type { Service, State, Step } from './wire';

/** Whether nothing will happen any more. */
export function hasEnded(state: State): boolean {
  return state !== 'queued' && state !== 'running' && state !== 'canceling';
}

/** The state of a whole from the states of its parts, as the server has it: what is half done is running, then the worst end counts. */
export function stateOfParts(parts: State[]): State {
  const has = (state: State) => parts.includes(state);
  const open = parts.filter((state) => !hasEnded(state)).length;
  if (has('canceling')) return 'canceling';
  if (has('running') || (open > 0 && open < parts.length)) return 'running';
  if (open > 0) return 'queued';
  if (has('failed')) return 'failed';
  if (has('canceled')) return 'canceled';
  return parts.length > 0 && parts.every((state) => state === 'skipped') ? 'skipped' : 'succeeded';
}

/** The step that a service is at: the one that failed or runs, else the last one that has begun. */
export function currentStep(service: Service): Step {
  const { build, release } = service;
  if (build === undefined) return release;
  if (build.failure !== undefined || build.state === 'running') return build;
  return release.state === 'queued' && build.state !== 'skipped' ? build : release;
}

/** When the first step of a service began. */
export function startedAt(service: Service): string | undefined {
  return service.build?.startedAt ?? service.release.startedAt;
}

/** When its last step ended, if it has ended. */
export function endedAt(service: Service): string | undefined {
  return hasEnded(service.state) ? (service.release.endedAt ?? service.build?.endedAt) : undefined;
}

/** A service on the board: one signal for each thing that changes on its own, so that an event draws one card anew and no other. */
import { type Signal, signal } from '@preact/signals';
import type { Wire } from '../api/client';
import type { RunningServiceView, ServiceView, State } from '../environment/wire';

/** What was last done to a service. */
export type LastDeployment = Pick<Wire<'BoardDeploymentView'>, 'id' | 'number' | 'state' | 'at' | 'reason'>;

/** What is configured of a service, and what is deployed. */
export interface CardFacts {
  kind: string;
  stage: string;
  skipped: boolean;
  /** The version that the configuration asks for; `null` as long as it is not read. */
  wanted: string | null;
  /** The version that is deployed; `null` when none is. */
  deployed: string | null;
  urls: readonly string[];
  last: LastDeployment | null;
}

export interface Card {
  readonly name: string;
  readonly facts: Signal<CardFacts>;
  /** What runs of it; `null` as long as that is not known. */
  readonly running: Signal<RunningServiceView | null>;
  /** Its part in the deployment that runs. */
  readonly run: Signal<ServiceView | null>;
}

export function newCard(name: string, facts: CardFacts): Card {
  return { name, facts: signal(facts), running: signal(null), run: signal(null) };
}

/** Takes over what an event tells of a card, unless it is what is shown already: then nothing is drawn anew. */
export function show<View>(shown: Signal<View | null>, view: View): void {
  if (JSON.stringify(shown.peek()) !== JSON.stringify(view)) shown.value = view;
}

/** When the step that a service is in began. */
export function stepStart(service: ServiceView): string | undefined {
  return service.release.startedAt ?? service.build?.startedAt;
}

/** What a service in a run is doing, in one word. */
export function doing(service: ServiceView): string {
  if (service.state === 'running' || service.state === 'canceling') return service.phase ?? service.state;
  return service.state;
}

/** Why a service failed, or was skipped. */
export function reason(service: ServiceView): string | undefined {
  const failure = service.build?.failure ?? service.release.failure;
  if (failure !== undefined) return failure.message;
  return service.state === 'skipped' ? (service.release.explanation ?? service.build?.explanation) : undefined;
}

/** The state of a whole from the states of its parts, as the server has it. */
export function stateOfParts(parts: readonly State[]): State {
  const has = (state: State) => parts.includes(state);
  const open = parts.filter((state) => state === 'queued' || state === 'running' || state === 'canceling').length;
  if (has('canceling')) return 'canceling';
  if (has('running') || (open > 0 && open < parts.length)) return 'running';
  if (open > 0) return 'queued';
  if (has('failed')) return 'failed';
  if (has('canceled')) return 'canceled';
  return parts.length > 0 && parts.every((state) => state === 'skipped') ? 'skipped' : 'succeeded';
}

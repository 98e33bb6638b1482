/**
 * One deployment while it runs, as the events of the server leave it. Each service is a signal of its own: an event makes one card
 * draw anew and not the board.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { ServerEvent } from '../api/events';
import { stateOfParts } from '../board/card';
import { hasEnded } from './states';
import type { Approval, Deployment, LogLine, Service, State } from './wire';

/** A deployment without what its services do. */
export type RunHead = Omit<Deployment, 'stages'>;

/** A stage: what stays the same of it, and its state, which follows that of its services. */
export interface RunStage {
  order: number;
  name: string;
  services: string[];
  approval: ReadonlySignal<Approval | undefined>;
  state: ReadonlySignal<State>;
}

/** A deployment, followed. */
export class Run {
  readonly head: Signal<RunHead>;
  /** In execution order. They are pinned: only a request that is merged into a queued deployment makes them others. */
  readonly stages: Signal<RunStage[]>;
  private readonly services = new Map<string, Signal<Service>>();
  private readonly approvals = new Map<number, Signal<Approval | undefined>>();

  constructor(deployment: Deployment) {
    const { stages, ...head } = deployment;
    this.head = signal(head);
    for (const service of stages.flatMap((stage) => stage.services)) this.services.set(service.name, signal(service));
    this.stages = signal(this.shape(deployment));
  }

  /** A service by its name. */
  service(name: string): ReadonlySignal<Service> | undefined {
    return this.services.get(name);
  }

  /** All services in execution order. */
  all(): Service[] {
    return this.names().flatMap((name) => this.services.get(name)?.value ?? []);
  }

  /** Their names. */
  names(): string[] {
    return this.stages.value.flatMap((stage) => stage.services);
  }

  /** Takes one event over; a line of the log is given back. */
  take(event: ServerEvent): LogLine | undefined {
    if (event.name === 'deployment') this.replace(event.data as Deployment);
    if (event.name === 'service') this.update(event.data as Service);
    return event.name === 'log' ? (event.data as LogLine) : undefined;
  }

  /** Takes the whole over. */
  replace(deployment: Deployment): void {
    const { stages, ...head } = deployment;
    batch(() => {
      this.head.value = head;
      for (const service of stages.flatMap((stage) => stage.services)) this.update(service);
      for (const stage of stages) this.approval(stage.order).value = stage.approval;
      const before = JSON.stringify(this.stages.value.map(({ name, services }) => [name, services]));
      const after = JSON.stringify(stages.map(({ name, services }) => [name, services.map((service) => service.name)]));
      if (before !== after) this.stages.value = this.shape(deployment);
    });
  }

  private update(service: Service): void {
    const known = this.services.get(service.name);
    if (known === undefined) this.services.set(service.name, signal(service));
    else if (JSON.stringify(known.peek()) !== JSON.stringify(service)) known.value = service;
  }

  private shape(deployment: Deployment): RunStage[] {
    return deployment.stages.map(({ order, name, approval, services }) => {
      const names = services.map((service) => service.name);
      const held = this.approval(order);
      held.value = approval;
      const parts = () => names.flatMap((service) => this.services.get(service)?.value.state ?? []);
      return { order, name, services: names, approval: held, state: computed(() => stateOfParts(parts())) };
    });
  }

  private approval(order: number): Signal<Approval | undefined> {
    const held = this.approvals.get(order) ?? signal<Approval | undefined>(undefined);
    this.approvals.set(order, held);
    return held;
  }
}

/** The service to look at when nobody has chosen one: the first that failed, else the one looked at while it works, else one that works. */
export function serviceOfInterest(services: Service[], shown: string | undefined): string | undefined {
  const failed = services.find((service) => service.state === 'failed' && failureOf(service) !== undefined);
  if (failed !== undefined) return failed.name;
  const works = (service: Service) => service.state === 'running' || service.state === 'canceling';
  const kept = services.find((service) => service.name === shown);
  if (kept !== undefined && works(kept)) return kept.name;
  const other = services.find(works) ?? kept;
  if (other !== undefined) return other.name;
  const ended = services.findLast((service) => hasEnded(service.state) && service.state !== 'skipped');
  return (ended ?? services[0])?.name;
}

/** Why a service failed. */
export function failureOf(service: Service) {
  return service.build?.failure ?? service.release.failure;
}

/** How many services have ended, for a line such as `12 of 30`. */
export function progressOf(services: Service[]): { ended: number; all: number; failed: number } {
  const count = (test: (service: Service) => boolean) => services.filter(test).length;
  return {
    ended: count((service) => hasEnded(service.state)),
    all: services.length,
    failed: count((service) => service.state === 'failed'),
  };
}

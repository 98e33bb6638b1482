/** The deployment that runs, folded into the cards of the board and the states of its stages. */
import { type Signal, signal } from '@preact/signals';
import { follow, type ServerEvent } from '../api/events';
import type { Board } from '../board/board';
import { reason, show, stateOfParts } from '../board/card';
import type { FrameQueue } from './frame-queue';
import type { DeploymentView, ServiceView, StageView } from './wire';

export class LiveRun {
  /** The deployment that is on the cards; `null` when none runs. */
  readonly deployment: Signal<DeploymentView | null> = signal(null);
  readonly #stages = new Map<string, Signal<StageView | null>>();

  constructor(
    readonly board: Board,
    readonly frames: FrameQueue,
  ) {}

  /** How far a stage has come, by its name. */
  stage(name: string): Signal<StageView | null> {
    const known = this.#stages.get(name);
    if (known !== undefined) return known;
    const stage = signal<StageView | null>(null);
    this.#stages.set(name, stage);
    return stage;
  }

  /** Follows a deployment to its end, without its log. */
  async follow(id: string, ended: AbortSignal, changed: (view: DeploymentView) => void): Promise<void> {
    const reader = {
      event: (event: ServerEvent) =>
        this.frames.push(() => {
          if (!ended.aborted) this.#take(event, changed);
        }),
    };
    await follow(`/deployments/${encodeURIComponent(id)}/events?lines=none`, reader, ended);
  }

  #take({ name, data }: ServerEvent, changed: (view: DeploymentView) => void): void {
    if (name === 'deployment') {
      const view = data as DeploymentView;
      this.#show(view);
      changed(view);
    } else if (name === 'service') this.#update(data as ServiceView);
  }

  #show(view: DeploymentView): void {
    this.deployment.value = view;
    for (const stage of view.stages) {
      show(this.stage(stage.name), stage);
      for (const service of stage.services) show(this.board.card(service.name).run, service);
    }
  }

  #update(service: ServiceView): void {
    const order = service.stage;
    const known = this.deployment.peek()?.stages[order];
    if (known === undefined) return;
    const stage = this.stage(known.name);
    const services = (stage.peek() ?? known).services.map((other) => (other.name === service.name ? service : other));
    stage.value = { ...known, services, state: stateOfParts(services.map((one) => one.state)) };
    this.board.card(service.name).run.value = service;
  }

  /** Shows what the last deployment left, when it has ended; one that runs is followed. */
  settle(last: DeploymentView): void {
    if (last.outcome === undefined) return;
    this.deployment.value = null;
    for (const stage of this.#stages.values()) stage.value = null;
    for (const card of this.board.cards()) card.run.value = null;
    for (const service of last.stages.flatMap((stage) => stage.services)) {
      const { facts } = this.board.card(service.name);
      const at = service.release.endedAt ?? service.build?.endedAt ?? last.finishedAt ?? last.acceptedAt;
      const why = service.state === 'failed' ? reason(service) : undefined;
      const { id, number } = last;
      const done = { id, number, state: service.state, at, ...(why !== undefined && { reason: why }) };
      facts.value = { ...facts.peek(), last: done };
    }
  }
}

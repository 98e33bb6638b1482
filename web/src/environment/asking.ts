/** What is asked of the server by a dialog: once at a time, and it may be refused. */
import { type Signal, signal } from '@preact/signals';
import { type ProblemDetails, Refusal } from '../api/request';
import type { EnvironmentServiceView } from './wire';

export class Asking {
  readonly isSending = signal(false);
  readonly problem: Signal<ProblemDetails | null> = signal(null);

  /** Asks; `null` when the server refuses. */
  protected async ask<Answer>(send: () => Promise<Answer>): Promise<Answer | null> {
    this.isSending.value = true;
    this.problem.value = null;
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.problem.value = error.problem;
      return null;
    } finally {
      this.isSending.value = false;
    }
  }
}

/** What is asked about some of the services of an environment. */
export class Choosing extends Asking {
  readonly chosen: Signal<ReadonlySet<string>>;

  constructor(
    readonly services: readonly EnvironmentServiceView[],
    chosen: readonly string[],
  ) {
    super();
    this.chosen = signal(new Set(chosen));
  }

  choose(name: string, isChosen: boolean): void {
    const now = new Set(this.chosen.peek());
    if (isChosen) now.add(name);
    else now.delete(name);
    this.chosen.value = now;
  }

  chooseAll(): void {
    this.chosen.value = new Set(this.services.map((service) => service.name));
  }

  chooseNone(): void {
    this.chosen.value = new Set();
  }
}

/** What is about to be asked of an environment: an action, the services that are meant, and options. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type ProblemDetails, Refusal } from '../api/request';
import { queryOf } from '../plan/request';
import { deploy } from '../run/requests';
import type { EnvironmentStore } from './store';
import type { Action, EnvironmentServiceView } from './wire';

export class ActionRequest {
  readonly chosen: Signal<ReadonlySet<string>>;
  /** The name of the environment, as somebody types it to confirm a delete. */
  readonly typed = signal('');
  readonly current = signal(false);
  readonly rebuild = signal(false);
  readonly isSending = signal(false);
  readonly problem: Signal<ProblemDetails | null> = signal(null);
  readonly isReady: ReadonlySignal<boolean> = computed(
    () =>
      !this.isSending.value &&
      this.chosen.value.size > 0 &&
      (this.action !== 'delete' || this.typed.value.trim() === this.fullName),
  );
  readonly fullName: string;
  readonly services: readonly EnvironmentServiceView[];

  constructor(
    readonly store: EnvironmentStore,
    readonly action: Exclude<Action, 'rollback'>,
    services?: readonly string[],
  ) {
    this.fullName = `${store.project}/${store.name}`;
    this.services = store.environment.peek()?.services ?? [];
    this.chosen = signal(new Set(services ?? meant(this.services, action)));
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

  /** The address of the page that shows what it would do. */
  planLink(): string {
    const plan = { action: this.action, services: this.#named(), ...this.#options(), runJobs: false, backTo: undefined };
    return this.store.link(`/plan?${queryOf(plan)}`);
  }

  /** Asks the server; `null` when it refuses. */
  async send(): Promise<Awaited<ReturnType<typeof deploy>> | null> {
    this.isSending.value = true;
    this.problem.value = null;
    try {
      const options = this.action === 'deploy' ? this.#options() : {};
      const accepted = await deploy(this.store.project, this.store.name, {
        action: this.action,
        services: this.#named(),
        ...options,
      });
      this.store.takeHead(accepted);
      return accepted;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.problem.value = error.problem;
      return null;
    } finally {
      this.isSending.value = false;
    }
  }

  /** No names mean all that the action means by itself. */
  #named(): { name: string }[] {
    const all = meant(this.services, this.action);
    const chosen = this.chosen.value;
    const isAll = all.length === chosen.size && all.every((name) => chosen.has(name));
    return isAll ? [] : [...chosen].map((name) => ({ name }));
  }

  #options(): { current: boolean; rebuild: boolean } {
    const isDeploy = this.action === 'deploy';
    return { current: isDeploy && this.current.value, rebuild: isDeploy && this.rebuild.value };
  }
}

/** The services that an action means when none are named. */
function meant(services: readonly EnvironmentServiceView[], action: Action): string[] {
  return services.filter((service) => action === 'delete' || !service.skipped).map((service) => service.name);
}

/** What is about to be asked of an environment: an action, the services that are meant, and options. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { queryOf } from '../plan/request';
import { deploy } from '../run/requests';
import { Choosing } from './asking';
import type { EnvironmentStore } from './store';
import type { Action, EnvironmentServiceView } from './wire';

export class ActionRequest extends Choosing {
  /** The name of the environment, as somebody types it to confirm a delete. */
  readonly typed = signal('');
  readonly current = signal(false);
  readonly rebuild = signal(false);
  readonly isReady: ReadonlySignal<boolean> = computed(
    () =>
      !this.isSending.value &&
      this.chosen.value.size > 0 &&
      (this.action !== 'delete' || this.typed.value.trim() === this.fullName),
  );
  readonly fullName: string;

  constructor(
    readonly store: EnvironmentStore,
    readonly action: Exclude<Action, 'rollback'>,
    services?: readonly string[],
  ) {
    const all = store.environment.peek()?.services ?? [];
    super(all, services ?? meant(all, action));
    this.fullName = `${store.project}/${store.name}`;
  }

  /** The address of the page that shows what it would do. */
  planLink(): string {
    const plan = { action: this.action, services: this.#named(), ...this.#options(), runJobs: false, backTo: undefined };
    return this.store.link(`/plan?${queryOf(plan)}`);
  }

  /** Asks the server; `null` when it refuses. */
  async send(): Promise<Awaited<ReturnType<typeof deploy>> | null> {
    const options = this.action === 'deploy' ? this.#options() : {};
    const body = { action: this.action, services: this.#named(), ...options };
    const accepted = await this.ask(() => deploy(this.store.project, this.store.name, body));
    if (accepted !== null) this.store.takeHead(accepted);
    return accepted;
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

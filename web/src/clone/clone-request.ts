/** What is about to be made after an environment, or of a service in another one. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { Asking, Choosing } from '../environment/asking';
import type { EnvironmentStore } from '../environment/store';
import { type CloneBody, type ClonedView, cloneEnvironment, cloneService, type ServiceCloneBody } from './calls';

/** The modes that somebody may ask for; one for a pull request is not made by hand. */
export const MODES = ['production', 'staging', 'development'] as const;

export class CloneRequest extends Choosing {
  readonly name = signal('');
  readonly project: Signal<string>;
  /** The target; empty: the server's default one. */
  readonly target: Signal<string>;
  readonly mode: Signal<string>;
  readonly withSecrets = signal(false);
  readonly isReady: ReadonlySignal<boolean> = computed(
    () => !this.isSending.value && this.name.value.trim() !== '' && this.project.value.trim() !== '',
  );

  constructor(readonly store: EnvironmentStore) {
    const environment = store.environment.peek();
    const services = environment?.services ?? [];
    super(
      services,
      services.map((service) => service.name),
    );
    this.project = signal(store.project);
    this.target = signal(environment?.target ?? '');
    this.mode = signal(environment?.mode ?? '');
  }

  send(): Promise<ClonedView | null> {
    return this.ask(() => cloneEnvironment(this.store.place, this.#body()));
  }

  /** What is left as it is, is not said: it stays what it is when somebody changes the environment meanwhile. */
  #body(): CloneBody {
    const environment = this.store.environment.peek();
    const project = this.project.value.trim();
    const target = this.target.value;
    const mode = MODES.find((mode) => mode === this.mode.value && mode !== environment?.mode);
    return {
      name: this.name.value.trim(),
      ...(project !== this.store.project && { project }),
      ...(target !== '' && target !== environment?.target && { target }),
      ...(mode !== undefined && { mode }),
      ...(this.chosen.value.size !== this.services.length && { services: [...this.chosen.value] }),
      withSecrets: this.withSecrets.value,
    };
  }
}

export class ServiceCloneRequest extends Asking {
  /** The other environment, `project/name`. */
  readonly to = signal('');
  readonly name: Signal<string>;
  readonly withVariables = signal(false);
  readonly withSecrets = signal(false);
  readonly isReady: ReadonlySignal<boolean> = computed(
    () => !this.isSending.value && this.to.value !== '' && this.name.value.trim() !== '',
  );

  constructor(
    readonly store: EnvironmentStore,
    readonly service: string,
  ) {
    super();
    this.name = signal(service);
  }

  send(): Promise<ClonedView | null> {
    return this.ask(() => cloneService(this.store.place, this.service, this.#body()));
  }

  #body(): ServiceCloneBody {
    const [project = '', environment = ''] = this.to.value.split('/');
    const name = this.name.value.trim();
    return {
      project,
      environment,
      ...(name !== this.service && { name }),
      withVariables: this.withVariables.value,
      withSecrets: this.withSecrets.value,
    };
  }
}

/** What a clone lacks still, in words; empty when it lacks nothing. */
export function lacking({ secrets, leftBehind }: ClonedView): string {
  const unset = secrets.filter((secret) => !secret.set).map((secret) => secret.name);
  const parts = [
    ...(unset.length === 0 ? [] : [`These secrets want a value: ${unset.join(', ')}.`]),
    ...(leftBehind.length === 0 ? [] : [`Left behind: ${leftBehind.join(', ')}.`]),
  ];
  return parts.map((part) => ` ${part}`).join('');
}

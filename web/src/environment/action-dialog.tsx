/** Asks what is done to which services, and asks the server for it. A delete wants the name of the environment typed. */
import { useSignal } from '@preact/signals';
import { useLocation } from 'wouter-preact';
import { type ProblemDetails, Refusal } from '../api/request';
import { Dialog } from '../components/dialog';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import * as calls from './calls';
import { useEnvironment } from './store';
import type { Action, DeployBody, EnvironmentServiceView } from './wire';

const WHAT: Record<Exclude<Action, 'rollback'>, { title: string; text: string }> = {
  deploy: {
    title: 'Deploy',
    text: 'Brings the services to the newest version and the stored configuration, stage after stage.',
  },
  restart: { title: 'Restart', text: 'Restarts the pods without a change of configuration.' },
  stop: { title: 'Stop', text: 'Scales to nothing, in the reverse order of the stages. Volumes stay.' },
  delete: { title: 'Delete', text: 'Removes the releases and their volumes. What the volumes hold is lost.' },
};

export function ActionDialog(props: { action: Action; services?: readonly string[]; close: () => void }) {
  const store = useEnvironment();
  const [, navigate] = useLocation();
  const { action } = props;
  const services = store.environment.value?.services ?? [];
  const chosen = useSignal<ReadonlySet<string>>(new Set(props.services ?? meant(services, action)));
  const typed = useSignal('');
  const current = useSignal(false);
  const rebuild = useSignal(false);
  const sending = useSignal(false);
  const problem = useSignal<ProblemDetails | null>(null);
  const what = WHAT[action === 'rollback' ? 'deploy' : action];
  const fullName = `${store.project}/${store.name}`;
  const isSure = action !== 'delete' || typed.value.trim() === fullName;

  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    sending.value = true;
    problem.value = null;
    try {
      const names = isAll(services, action, chosen.value) ? [] : [...chosen.value].map((name) => ({ name }));
      const request: DeployBody = { action, services: names };
      if (action === 'deploy') Object.assign(request, { current: current.value, rebuild: rebuild.value });
      const accepted = await calls.deploy(store.place, request);
      store.takeHead(accepted);
      tell(`${what.title} #${accepted.number} is ${accepted.joined ? 'joined with what is queued' : 'accepted'}`, {
        text: 'Open',
        run: () => navigate(`/deployments/${accepted.id}`),
      });
      props.close();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    } finally {
      sending.value = false;
    }
  };

  return (
    <Dialog title={`${what.title} ${fullName}`} close={props.close}>
      <form onSubmit={send}>
        <p>{what.text}</p>
        <ServiceChoice services={services} chosen={chosen} />
        {action === 'deploy' && (
          <div class="choices">
            <label>
              <input type="checkbox" checked={current.value} onInput={toggle(current)} /> Keep the versions that are deployed
            </label>
            <label>
              <input type="checkbox" checked={rebuild.value} onInput={toggle(rebuild)} /> Build images although they are there
            </label>
          </div>
        )}
        {action === 'delete' && (
          <label class="field">
            Type <code>{fullName}</code> to confirm
            <input
              value={typed.value}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => {
                typed.value = event.currentTarget.value;
              }}
            />
          </label>
        )}
        {problem.value !== null && <Problem problem={problem.value} />}
        <div class="dialog-buttons">
          <button type="button" onClick={props.close}>
            Cancel
          </button>
          <button
            type="submit"
            class={action === 'delete' ? 'danger' : 'primary'}
            disabled={!isSure || sending.value || chosen.value.size === 0}
          >
            {what.title} {chosen.value.size} {chosen.value.size === 1 ? 'service' : 'services'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function ServiceChoice(props: { services: readonly EnvironmentServiceView[]; chosen: { value: ReadonlySet<string> } }) {
  const { services, chosen } = props;
  const set = (name: string, isChosen: boolean) => {
    const now = new Set(chosen.value);
    if (isChosen) now.add(name);
    else now.delete(name);
    chosen.value = now;
  };
  return (
    <fieldset class="service-choice">
      <legend>
        Services{' '}
        <button
          type="button"
          class="small plain"
          onClick={() => {
            chosen.value = new Set(services.map((service) => service.name));
          }}
        >
          All
        </button>
        <button
          type="button"
          class="small plain"
          onClick={() => {
            chosen.value = new Set();
          }}
        >
          None
        </button>
      </legend>
      {services.map(({ name, skipped }) => (
        <label key={name}>
          <input type="checkbox" checked={chosen.value.has(name)} onInput={(event) => set(name, event.currentTarget.checked)} />{' '}
          {name} {skipped && <span class="quiet">skipped</span>}
        </label>
      ))}
    </fieldset>
  );
}

function toggle(value: { value: boolean }) {
  return (event: { currentTarget: HTMLInputElement }) => {
    value.value = event.currentTarget.checked;
  };
}

/** The services that the action means when none are named. */
function meant(services: readonly EnvironmentServiceView[], action: Action): string[] {
  return services.filter((service) => action === 'delete' || !service.skipped).map((service) => service.name);
}

function isAll(services: readonly EnvironmentServiceView[], action: Action, chosen: ReadonlySet<string>): boolean {
  const all = meant(services, action);
  return all.length === chosen.size && all.every((name) => chosen.has(name));
}

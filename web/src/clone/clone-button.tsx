/** Makes an environment after the one that is shown. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { Dialog } from '../components/dialog';
import { CheckField, ChoiceField, TextField } from '../components/fields';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import { listTargets } from '../configuration/calls';
import { useLoaded } from '../configuration/use-loaded';
import { ServiceChoice } from '../environment/service-choice';
import { useEnvironment } from '../environment/store';
import { CloneRequest, lacking, MODES } from './clone-request';

export function CloneButton() {
  const store = useEnvironment();
  const isOpen = useSignal(false);
  const show = (now: boolean) => () => {
    isOpen.value = now;
  };
  return (
    <>
      <button type="button" disabled={store.environment.value === null} onClick={show(true)}>
        Clone…
      </button>
      {isOpen.value && <CloneDialog close={show(false)} />}
    </>
  );
}

function CloneDialog({ close }: { close: () => void }) {
  const store = useEnvironment();
  const [, navigate] = useLocation();
  const request = useMemo(() => new CloneRequest(store), [store]);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const made = await request.send();
    if (made === null) return;
    tell(`${made.project}/${made.name} is made. Deploy it when you are ready.${lacking(made)}`);
    close();
    navigate(`/environments/${made.project}/${made.name}`);
  };
  return (
    <Dialog title={`Clone ${store.project}/${store.name}`} close={close}>
      <form onSubmit={submit}>
        <p>
          Makes an environment with the same stages, variables and services. Data and host names of its own stay behind; what
          does not differ is not built again.
        </p>
        <TextField label="Name" value={request.name} />
        <TextField label="Project" value={request.project} />
        <Differences request={request} />
        <ServiceChoice request={request} />
        <div class="choices">
          <CheckField text="Copy the values of the secrets" value={request.withSecrets} />
        </div>
        {request.problem.value !== null && <Problem problem={request.problem.value} />}
        <div class="dialog-buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={!request.isReady.value}>
            Clone
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Where the clone runs, and what it is for. */
function Differences({ request }: { request: CloneRequest }) {
  const targets = useLoaded(listTargets, []);
  const { target, mode } = request.store.environment.value ?? { target: undefined, mode: '' };
  const known = new Set([...(target === undefined ? [] : [target]), ...(targets.value ?? []).map((one) => one.name)]);
  const named = [...known].map((name) => [name, name] as const);
  const modes = MODES.some((one) => one === mode) ? MODES : [mode, ...MODES];
  return (
    <>
      <ChoiceField
        label="Target"
        value={request.target}
        choices={target === undefined ? [['', 'the default target'], ...named] : named}
      />
      <ChoiceField label="Mode" value={request.mode} choices={modes.map((one) => [one, one] as const)} />
    </>
  );
}

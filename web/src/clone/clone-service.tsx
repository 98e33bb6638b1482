/** Asks for the environment that a service is cloned into. */
import { useMemo } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { useHand } from '../board/board-hand';
import { Dialog } from '../components/dialog';
import { CheckField, ChoiceField, TextField } from '../components/fields';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import { useLoaded } from '../configuration/use-loaded';
import { listEnvironments } from '../environment/calls';
import { useEnvironment } from '../environment/store';
import { lacking, ServiceCloneRequest } from './clone-request';

export function CloneService() {
  const hand = useHand();
  const name = hand.cloning.value;
  return name === null ? null : <Question key={name} name={name} />;
}

function Question({ name }: { name: string }) {
  const hand = useHand();
  const store = useEnvironment();
  const [, navigate] = useLocation();
  const request = useMemo(() => new ServiceCloneRequest(store, name), [store, name]);
  const environments = useLoaded(listEnvironments, []);
  const names = (environments.value ?? []).map((one) => `${one.project}/${one.name}`);
  const close = () => {
    hand.cloning.value = null;
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const made = await request.send();
    if (made === null) return;
    const open = { text: 'Open', run: () => navigate(`/environments/${made.project}/${made.name}`) };
    const services = made.services.map((service) => service.name).join(', ');
    tell(`${services} is in ${made.project}/${made.name} now.${lacking(made)}`, open);
    close();
  };
  const problem = request.problem.value ?? environments.problem;
  return (
    <Dialog title={`Clone ${name}`} close={close}>
      <form onSubmit={submit}>
        <ChoiceField
          label="To the environment"
          value={request.to}
          choices={[['', 'Choose one'], ...names.map((one) => [one, one] as const)]}
        />
        <TextField label="Its name there" value={request.name} />
        <div class="choices">
          <CheckField text="Copy variables that the environment lacks" value={request.withVariables} />
          <CheckField text="Copy the values of its secrets" value={request.withSecrets} />
        </div>
        {problem !== null && <Problem problem={problem} />}
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

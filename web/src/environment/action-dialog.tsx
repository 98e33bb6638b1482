/** Asks what is done to which services, and asks the server for it. A delete wants the name of the environment typed. */
import { useMemo } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { Dialog } from '../components/dialog';
import { CheckField, TextField } from '../components/fields';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import { ActionRequest } from './action-request';
import { ServiceChoice } from './service-choice';
import { useEnvironment } from './store';
import type { Action } from './wire';

type Asked = Exclude<Action, 'rollback'>;

const WHAT: Record<Asked, { title: string; text: string }> = {
  deploy: {
    title: 'Deploy',
    text: 'Brings the services to the newest version and the stored configuration, stage after stage.',
  },
  restart: { title: 'Restart', text: 'Restarts the pods without a change of configuration.' },
  stop: { title: 'Stop', text: 'Scales to nothing, in the reverse order of the stages. Volumes stay.' },
  delete: { title: 'Delete', text: 'Removes the releases and their volumes. What the volumes hold is lost.' },
};

export function ActionDialog({ action, services, close }: { action: Asked; services?: readonly string[]; close: () => void }) {
  const store = useEnvironment();
  const [, navigate] = useLocation();
  const request = useMemo(() => new ActionRequest(store, action, services), [store, action, services]);
  const { title, text } = WHAT[action];
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const accepted = await request.send();
    if (accepted === null) return;
    const { id, number, joined } = accepted;
    const open = { text: 'Open', run: () => navigate(`/deployments/${id}`) };
    tell(`${title} #${number} is ${joined ? 'joined with what is queued' : 'accepted'}`, open);
    close();
  };
  const count = request.chosen.value.size;
  return (
    <Dialog title={`${title} ${request.fullName}`} close={close}>
      <form onSubmit={submit}>
        <p>{text}</p>
        <ServiceChoice request={request} />
        {action === 'deploy' && (
          <div class="choices">
            <CheckField text="Keep the versions that are deployed" value={request.current} />
            <CheckField text="Build images although they are there" value={request.rebuild} />
          </div>
        )}
        {action === 'delete' && <TextField label={<Confirm name={request.fullName} />} value={request.typed} />}
        {request.problem.value !== null && <Problem problem={request.problem.value} />}
        <div class="dialog-buttons">
          <Link class="button" href={request.planLink()} onClick={close}>
            Plan first
          </Link>
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={action === 'delete' ? 'danger' : 'primary'} disabled={!request.isReady.value}>
            {title} {count} {count === 1 ? 'service' : 'services'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Confirm({ name }: { name: string }) {
  return (
    <>
      Type <code>{name}</code> to confirm
    </>
  );
}

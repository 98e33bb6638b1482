import { useSignal } from '@preact/signals';
import { Dialog } from '../components/dialog';
import { useHand } from './board-hand';

/** Asks where the services of a stage go before it is deleted. */
export function DeleteStage() {
  const hand = useHand();
  const name = hand.deleting.value;
  return name === null ? null : <Question key={name} name={name} />;
}

function Question({ name }: { name: string }) {
  const hand = useHand();
  const stages = hand.board.stages.value;
  const stage = stages.find((known) => known.name === name);
  const others = stages.filter((known) => known.name !== name);
  const to = useSignal(others[0]?.name ?? '');
  const close = () => {
    hand.deleting.value = null;
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    close();
    hand.edit({ do: 'delete', stage: name, to: to.value });
    hand.focusOn('stage', to.value);
  };
  const count = stage?.services.length ?? 0;
  return (
    <Dialog title={`Delete stage ${name}`} close={close}>
      <form onSubmit={submit}>
        <label class="field">
          {count === 1 ? 'Its service goes to' : `Its ${count} services go to`}
          <select
            value={to.value}
            onChange={(event) => {
              to.value = event.currentTarget.value;
            }}
          >
            {others.map((other) => (
              <option key={other.name}>{other.name}</option>
            ))}
          </select>
        </label>
        {stage?.defaultFor && (
          <p class="quiet">
            A new {stage.defaultFor} goes here by default. When the stage is deleted, the last stage takes it.
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="danger">
            Delete stage
          </button>
        </div>
      </form>
    </Dialog>
  );
}

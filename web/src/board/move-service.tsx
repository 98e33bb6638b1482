import { useSignal } from '@preact/signals';
import { Dialog } from '../components/dialog';
import { useHand } from './board-hand';
import { SKIPPED } from './columns';
import { drop } from './lift';
import { find } from './pipeline';

/** Asks for the stage that a service goes to. */
export function MoveService() {
  const hand = useHand();
  const name = hand.moving.value;
  return name === null ? null : <Question key={name} name={name} />;
}

function Question({ name }: { name: string }) {
  const hand = useHand();
  const stages = hand.board.stages.value;
  const now = find(stages, name);
  const to = useSignal(now?.service.skipped ? '' : (now?.stage.name ?? ''));
  const close = () => {
    hand.moving.value = null;
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    close();
    hand.edit(drop(name, to.value === '' ? SKIPPED : to.value));
  };
  const choose = (value: string) => () => {
    to.value = value;
  };
  return (
    <Dialog title={`Move ${name}`} close={close}>
      <form onSubmit={submit}>
        <fieldset class="service-choice">
          <legend>To</legend>
          <label>
            <input type="radio" name="stage" checked={to.value === ''} onInput={choose('')} /> Skipped
          </label>
          {stages.map((stage) => (
            <label key={stage.name}>
              <input type="radio" name="stage" checked={to.value === stage.name} onInput={choose(stage.name)} /> {stage.order}{' '}
              {stage.name}
            </label>
          ))}
        </fieldset>
        <div class="dialog-buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Move
          </button>
        </div>
      </form>
    </Dialog>
  );
}

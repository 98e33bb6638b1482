import { useSignal } from '@preact/signals';
import { useHand } from './board-hand';
import { InlineField } from './inline-field';

/** The place after the last column, where a stage is added. */
export function AddStage() {
  const hand = useHand();
  const isOpen = useSignal(false);
  const close = () => {
    isOpen.value = false;
  };
  const add = (stage: string) => {
    close();
    const after = hand.board.stages.peek().at(-1)?.name ?? null;
    hand.edit({ do: 'add', stage, description: '', approval: 'none', after });
    hand.focusOn('stage', stage);
  };
  return (
    <div class="add-stage">
      {isOpen.value ? (
        <InlineField label="Name of the new stage" text="" isRequired save={add} cancel={close} />
      ) : (
        <button
          type="button"
          onClick={() => {
            isOpen.value = true;
          }}
        >
          + Add stage
        </button>
      )}
    </div>
  );
}

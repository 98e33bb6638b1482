/** Shows what applying a draft changes before it is applied. */
import { useSignal } from '@preact/signals';
import { Dialog } from '../components/dialog';
import { Problem } from '../components/problem';
import { DiffView } from './diff-view';
import type { Draft } from './draft';
import type { AppliedView } from './wire';

export function Review(props: { draft: Draft; close: () => void; applied: (view: AppliedView) => void }) {
  const { draft, close, applied } = props;
  const isSure = useSignal(false);
  const would = draft.would.value;
  const removed = would?.removed ?? [];
  const apply = async () => {
    const done = await draft.apply(removed.length > 0);
    if (done !== null) applied(done);
    else if (draft.conflict.peek() !== null || draft.problems.peek().length > 0) close();
  };
  return (
    <Dialog title="What changes" close={close}>
      {draft.refusal.value !== null && <Problem problem={draft.refusal.value} />}
      {would !== null && would.changes.length === 0 && <p>The server has all of it already: nothing changes.</p>}
      {would !== null && would.changes.length > 0 && (
        <ul class="changes">
          {would.changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
      {draft.own !== undefined && (
        <DiffView before={draft.stored.value?.text ?? ''} after={draft.text.value} label="Lines that change" />
      )}
      {removed.length > 0 && (
        <label class="field">
          <span>
            <input
              type="checkbox"
              checked={isSure.value}
              onInput={(event) => {
                isSure.value = event.currentTarget.checked;
              }}
            />{' '}
            Remove {removed.join(', ')}: the next deployment uninstalls what runs of it. Volumes stay.
          </span>
        </label>
      )}
      <p class="quiet">Nothing is deployed by it: what is applied counts from the next deployment.</p>
      <div class="dialog-buttons">
        <button type="button" onClick={close}>
          Go on editing
        </button>
        <button
          type="button"
          class="primary"
          disabled={would === null || draft.applying.value || (removed.length > 0 && !isSure.value)}
          onClick={apply}
        >
          {draft.own === undefined ? 'Make the environment' : 'Apply'}
        </button>
      </div>
    </Dialog>
  );
}

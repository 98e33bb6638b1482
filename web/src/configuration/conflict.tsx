/** Says that somebody else was first, what he changed, and asks whose file goes on. */
import { DiffView } from './diff-view';
import type { Draft } from './draft';

export function ConflictNote({ draft }: { draft: Draft }) {
  const conflict = draft.conflict.value;
  if (conflict === null) return null;
  const { theirs, base } = conflict;
  return (
    <section class="problem" role="alert" aria-label="Changed elsewhere">
      <p>
        <strong>Somebody else changed it meanwhile: it is at version {theirs.version} now.</strong> Nothing of it is
        overwritten, and your text is kept below.
      </p>
      <DiffView before={base} after={theirs.text} label="What was changed elsewhere" />
      <div class="dialog-buttons">
        <button type="button" onClick={() => draft.takeTheirs()}>
          Give my changes up
        </button>
        <button type="button" class="primary" onClick={() => draft.keepMine()}>
          Keep my text, and compare it with version {theirs.version}
        </button>
      </div>
    </section>
  );
}

/** What every page that edits a draft has around it: how the draft is, what is wrong with it, and the way to apply it. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { FileProblem } from '../api/request';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import { ConflictNote } from './conflict';
import type { Draft } from './draft';
import { idOf } from './form/form';
import { Review } from './review';
import { loadSchema, type SchemaReader } from './schema';
import { useLoaded } from './use-loaded';
import type { AppliedView } from './wire';

/** @param props.go leads to the place of a problem; without it, to the field of the place */
export function DraftFrame(props: {
  draft: Draft;
  applied: (view: AppliedView) => void;
  /** Further things to do, at the left edge of the bar. */
  tools?: ComponentChildren;
  go?: (problem: FileProblem) => void;
  children: (schema: SchemaReader) => ComponentChildren;
}) {
  const { draft, applied, tools, go, children } = props;
  const schema = useLoaded(loadSchema, []);
  const isReviewing = useSignal(false);
  useEffect(() => {
    const stay = (event: BeforeUnloadEvent) => {
      if (draft.own !== undefined && draft.isChanged.peek()) event.preventDefault();
    };
    addEventListener('beforeunload', stay);
    return () => removeEventListener('beforeunload', stay);
  }, [draft]);
  const review = async () => {
    if (await draft.check()) isReviewing.value = true;
  };
  return (
    <>
      <div class="file-bar">
        {tools}
        <span class="quiet file-state" role="status">
          {stateOf(draft)}
        </span>
        {draft.own !== undefined && (
          <button type="button" disabled={!draft.isChanged.value} onClick={() => draft.takeTheirs()}>
            Undo all
          </button>
        )}
        <button
          type="button"
          class="primary"
          disabled={draft.conflict.value !== null || (draft.own !== undefined && !draft.isChanged.value)}
          onClick={review}
        >
          Review and {draft.own === undefined ? 'make' : 'apply'}…
        </button>
      </div>
      <ConflictNote draft={draft} />
      {draft.refusal.value !== null && !isReviewing.value && <Problem problem={draft.refusal.value} />}
      <ProblemList problems={draft.problems.value} open={go ?? (({ path }) => focusField(path))} />
      {schema.problem !== null && <Problem problem={schema.problem} />}
      {schema.value !== null && children(schema.value)}
      {isReviewing.value && (
        <Review
          draft={draft}
          close={() => {
            isReviewing.value = false;
          }}
          applied={(done) => {
            isReviewing.value = false;
            applied(done);
          }}
        />
      )}
    </>
  );
}

/** Says what applying a draft has changed. */
export function tellApplied({ version, changes }: AppliedView): void {
  tell(changes.length === 0 ? 'Nothing changed' : `Applied as version ${version}: ${changes.join('; ')}`);
}

function ProblemList({ problems, open }: { problems: readonly FileProblem[]; open: (problem: FileProblem) => void }) {
  if (problems.length === 0) return null;
  return (
    <section class="problem" aria-label="Problems of the file">
      <p>
        <strong>
          {problems.length} {problems.length === 1 ? 'problem' : 'problems'}
        </strong>
      </p>
      <ul class="problem-list">
        {problems.slice(0, 20).map((problem) => (
          <li key={`${problem.line}:${problem.column}:${problem.message}`}>
            <button type="button" class="plain" onClick={() => open(problem)}>
              line {problem.line} <code>{problem.path}</code>
            </button>{' '}
            {problem.message}
          </li>
        ))}
      </ul>
      {problems.length > 20 && <p>and {problems.length - 20} more</p>}
    </section>
  );
}

/** Leads to the field of a place, or to the nearest around it that is in sight. */
export function focusField(path: string): boolean {
  for (let at = path; at !== ''; at = at.replace(/(\.[^.[\]]+|\[\d+\]|^[^.[\]]+)$/, '')) {
    const field = document.getElementById(idOf(at));
    if (field !== null) {
      field.focus();
      field.scrollIntoView({ block: 'center' });
      return true;
    }
  }
  return false;
}

function stateOf(draft: Draft): string {
  if (draft.checking.value) return 'Checking…';
  if (draft.problems.value.length > 0 || draft.refusal.value !== null) return 'Refused';
  const would = draft.would.value;
  if (would === null) return draft.isChanged.value ? '' : 'As it is stored';
  if (draft.own === undefined) return 'Valid';
  const count = would.changes.length;
  return count === 0 ? 'Valid; changes nothing' : `Valid; ${count} ${count === 1 ? 'change' : 'changes'}`;
}

/** A draft in its two views: as a form, and as text. Both are of one text. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { lazy, Suspense } from 'preact/compat';
import { useSearchParams } from 'wouter-preact';
import type { FileProblem } from '../api/request';
import type { Draft } from './draft';
import { DraftFrame, focusField } from './draft-frame';
import { FileForm } from './file-form';
import type { AppliedView } from './wire';

const YamlView = lazy(() => import('./yaml-view').then((module) => module.YamlView));

export function FileEditor(props: {
  draft: Draft;
  fixed: readonly string[];
  applied: (view: AppliedView) => void;
  tools?: ComponentChildren;
}) {
  const { draft, fixed, applied, tools } = props;
  const [search, setSearch] = useSearchParams();
  const place = useSignal<{ line: number; column: number } | null>(null);
  const view = search.get('view') === 'yaml' ? 'yaml' : 'form';
  const show = (next: 'form' | 'yaml') =>
    setSearch(
      (before) => {
        const now = new URLSearchParams(before);
        if (next === 'yaml') now.set('view', 'yaml');
        else now.delete('view');
        return now;
      },
      { replace: true },
    );
  const go = ({ line, column, path }: FileProblem) => {
    if (view === 'form' && focusField(path)) return;
    place.value = { line, column };
    show('yaml');
  };
  return (
    <DraftFrame
      draft={draft}
      applied={applied}
      go={go}
      tools={
        <>
          <Views view={view} show={show} />
          {tools}
        </>
      }
    >
      {(schema) =>
        view === 'form' ? (
          <FileForm draft={draft} schema={schema} fixed={fixed} />
        ) : (
          <Suspense fallback={<div class="code-editor skeleton" role="status" aria-label="Loading the editor" />}>
            <YamlView draft={draft} schema={schema} place={place.value} />
          </Suspense>
        )
      }
    </DraftFrame>
  );
}

function Views({ view, show }: { view: 'form' | 'yaml'; show: (next: 'form' | 'yaml') => void }) {
  return (
    <fieldset class="switch">
      <legend class="visually-hidden">View of the file</legend>
      {(['form', 'yaml'] as const).map((one) => (
        <button key={one} type="button" aria-pressed={view === one} onClick={() => show(one)}>
          {one === 'form' ? 'Form' : 'YAML'}
        </button>
      ))}
    </fieldset>
  );
}

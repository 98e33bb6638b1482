/** The tab *File*: the stored file, as a form and as text. */
import { useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { Problem } from '../components/problem';
import { useEnvironment } from '../environment/store';
import { applyFile, readFile, validateFile } from './calls';
import { download } from './download';
import { Draft } from './draft';
import { tellApplied } from './draft-frame';
import { FileEditor } from './file-editor';
import { placeOf } from './place-of';

export function FilePage() {
  const store = useEnvironment();
  const draft = useStoredDraft();
  if (draft.unread.value !== null) return <Problem problem={draft.unread.value} />;
  if (draft.stored.value === null) return <div class="code-editor skeleton" role="status" aria-label="Reading the file" />;
  const save = (kind: 'yaml' | 'json') => {
    const stored = draft.stored.value?.text ?? '';
    const text = kind === 'yaml' ? stored : new Draft(draft.calls, stored).document.value.json();
    download(`${store.project}-${store.name}.${kind}`, text, kind === 'yaml' ? 'application/yaml' : 'application/json');
  };
  const tools = (
    <>
      <button type="button" onClick={() => save('yaml')}>
        Download YAML
      </button>
      <button type="button" onClick={() => save('json')}>
        Download JSON
      </button>
    </>
  );
  return (
    <>
      <p class="quiet">
        This is the environment as the server has it. It keeps what the file says, not its comments; secrets are in it by their
        names alone.
      </p>
      <FileEditor draft={draft} fixed={['project', 'name']} tools={tools} applied={tellApplied} />
    </>
  );
}

/** A draft of the file of the environment that the page is about; it hears of what others change. */
export function useStoredDraft(): Draft {
  const store = useEnvironment();
  const draft = useMemo(() => {
    const calls = { read: () => readFile(placeOf(store)), validate: validateFile, apply: applyFile };
    return new Draft(calls, '', { project: store.project, name: store.name });
  }, [store]);
  useEffect(() => void draft.open(), [draft]);
  useSignalEffect(() => {
    const version = store.environment.value?.version;
    if (version !== undefined) void draft.elsewhere(version);
  });
  return draft;
}

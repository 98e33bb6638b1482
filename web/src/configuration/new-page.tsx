/** A new environment, from a form or from a file that is pasted or dropped. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { useLocation, useSearchParams } from 'wouter-preact';
import { tell } from '../components/toasts';
import { applyFile, validateFile } from './calls';
import { Draft } from './draft';
import { FileEditor } from './file-editor';

/** What a new environment begins with. */
const BEGIN = `apiVersion: slipway.dev/v1
kind: Environment
project: default
name: ""
`;

/** More than a server takes. */
const LARGEST = 1 << 20;

export function NewPage() {
  const [, navigate] = useLocation();
  const [, setSearch] = useSearchParams();
  const draft = useMemo(() => new Draft({ validate: validateFile, apply: applyFile }, BEGIN), []);
  const isOver = useSignal(false);
  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    if (file.size > LARGEST) {
      tell(`${file.name} has more than ${LARGEST} bytes: this is no environment file`);
      return;
    }
    draft.edit(await file.text());
    setSearch({ view: 'yaml' }, { replace: true });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    isOver.value = false;
    void take(event.dataTransfer?.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the field for a file does the same by the keyboard
    <div
      class={isOver.value ? 'drop-over' : ''}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={drop}
    >
      <h1>New environment</h1>
      <p class="quiet">
        Services that live together and are deployed by one pipeline. Fill in the form, write YAML, or{' '}
        <label class="file-choice">
          take a file
          <input
            type="file"
            accept=".yaml,.yml,.json"
            class="visually-hidden"
            onInput={(event) => void take(event.currentTarget.files?.[0])}
          />
        </label>{' '}
        (it may be dropped here too). Nothing is deployed before you say so.
      </p>
      <FileEditor
        draft={draft}
        fixed={[]}
        applied={(view) => {
          tell(`${view.project}/${view.name} is made. Deploy it when you are ready.`);
          navigate(`/environments/${view.project}/${view.name}`);
        }}
      />
    </div>
  );
}

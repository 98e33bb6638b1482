/** Variables by name: a text, or what a secret, another variable, a file or a wider scope gives. */

import type { Path } from '../path';
import type { Schema } from '../schema';
import { idOf, useForm } from './form';
import { Problems } from './labelled';
import { Meaning } from './meaning';
import { freeName, NameInput } from './texts-field';
import { shown } from './value-field';

/** What a variable is, in words. */
const KINDS: [string, string][] = [
  ['value', 'Value'],
  ['secret', 'Secret'],
  ['alias', 'Alias of'],
  ['override', 'Override'],
  ['file', 'File'],
];

export function VariablesField({ path, property }: { path: Path; property: Schema; shape: Schema }) {
  const { draft } = useForm();
  const names = draft.document.value.keys(path);
  const add = () => draft.edit(draft.document.peek().with([...path, freeName(names)], ''));
  return (
    <fieldset class="form-group" id={idOf(path)} tabIndex={-1}>
      <legend>{property.title}</legend>
      <p class="form-help quiet">
        <Meaning text={property.description} />
      </p>
      <Problems path={path} />
      {names.map((name, index) => (
        <Row key={index} path={path} name={name} names={names} />
      ))}
      <button type="button" class="small" onClick={add}>
        Add variable
      </button>
    </fieldset>
  );
}

function Row({ path, name, names }: { path: Path; name: string; names: readonly string[] }) {
  const { draft } = useForm();
  const place = [...path, name];
  const document = draft.document.value;
  const keys = document.keys(place);
  const kind = KINDS.find(([key]) => keys.includes(key))?.[0] ?? 'value';
  const valuePath = kind === 'value' ? place : [...place, kind];
  const text = shown(document.get(valuePath));
  const become = (next: string) => {
    const begun = next === 'file' ? { file: text, mount: '/etc/' } : { [next]: text };
    draft.edit(draft.document.peek().with(place, next === 'value' ? text : begun));
  };
  const set = (at: Path) => (event: { currentTarget: { value: string } }) =>
    draft.edit(draft.document.peek().with(at, event.currentTarget.value));
  return (
    <>
      <div class="form-item" id={idOf(place)} tabIndex={-1}>
        <NameInput path={path} name={name} names={names} />
        <KindChoice name={name} kind={kind} become={become} />
        {kind === 'secret' ? (
          <SecretChoice
            label={`Secret of ${name}`}
            value={text}
            set={(secret) => draft.edit(draft.document.peek().with(valuePath, secret))}
          />
        ) : (
          <textarea
            rows={1}
            class="long-text"
            aria-label={`Value of ${name}`}
            value={text}
            spellcheck={false}
            onInput={set(valuePath)}
          />
        )}
        {kind === 'file' && (
          <input
            aria-label={`Where ${name} is mounted`}
            value={shown(document.get([...place, 'mount']))}
            onInput={set([...place, 'mount'])}
          />
        )}
        <button
          type="button"
          class="small"
          aria-label={`Remove ${name}`}
          onClick={() => draft.edit(draft.document.peek().without(place, path.slice(0, -1)))}
        >
          Remove
        </button>
      </div>
      <Problems path={place} />
      {kind !== 'value' && <Problems path={valuePath} />}
    </>
  );
}

function KindChoice({ name, kind, become }: { name: string; kind: string; become: (next: string) => void }) {
  return (
    <select aria-label={`Kind of ${name}`} value={kind} onInput={(event) => become(event.currentTarget.value)}>
      {KINDS.map(([key, word]) => (
        <option key={key} value={key}>
          {word}
        </option>
      ))}
    </select>
  );
}

/** One of the secrets that the file declares, or that are known otherwise. */
function SecretChoice({ label, value, set }: { label: string; value: string; set: (secret: string) => void }) {
  const { draft, known } = useForm();
  const declared = draft.document.value.get(['secrets']);
  const names = [...new Set([...(Array.isArray(declared) ? declared.map(String) : []), ...(known.secret ?? [])])];
  return (
    <select aria-label={label} value={value} onInput={(event) => set(event.currentTarget.value)}>
      {!names.includes(value) && <option value={value}>{value === '' ? 'choose one' : `${value} (not declared)`}</option>}
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

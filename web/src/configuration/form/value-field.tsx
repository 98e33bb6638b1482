/** The fields of one value. An empty one takes the key out of the file: its default holds then. */
import type { Path } from '../path';
import { type Field, placeholder, type Schema } from '../schema';
import { useForm } from './form';
import { Labelled, useDescribed } from './labelled';

interface ValueProps {
  path: Path;
  property: Schema;
  field: Field;
  required: boolean;
}

export function ValueField(props: ValueProps) {
  const isGroup = props.field.kind === 'choices';
  return (
    <Labelled path={props.path} property={props.property} required={props.required} group={isGroup}>
      <Control {...props} />
    </Labelled>
  );
}

function Control({ path, property, field }: ValueProps) {
  const { draft } = useForm();
  const described = useDescribed(path);
  const value = draft.document.value.get(path);
  const set = (next: unknown) => {
    const document = draft.document.peek();
    draft.edit(next === undefined ? document.without(path, path.slice(0, -1)) : document.with(path, next));
  };
  if (field.kind === 'text' || field.kind === 'number')
    return <TextControl path={path} property={property} field={field} set={set} />;
  if (field.kind === 'switch') {
    const choices = ['true', 'false'];
    return (
      <Choice
        described={described}
        property={property}
        choices={choices}
        value={value}
        set={(text) => set(text === 'true')}
        clear={() => set(undefined)}
      />
    );
  }
  if (field.kind === 'choice') {
    const pick = (text: string) => set(text === 'null' && field.choices.includes(null) ? null : text);
    return (
      <Choice
        described={described}
        property={property}
        choices={field.choices.map(String)}
        value={value}
        set={pick}
        clear={() => set(undefined)}
      />
    );
  }
  if (field.kind === 'choices') return <Choices path={path} choices={field.choices} property={property} />;
  return null;
}

/** A text or a number, with the names that are known for it. */
function TextControl(
  props: Pick<ValueProps, 'path' | 'property'> & {
    field: Extract<Field, { kind: 'text' | 'number' }>;
    set: (next: unknown) => void;
  },
) {
  const { path, property, field, set } = props;
  const { draft, fixed, known } = useForm();
  const described = useDescribed(path);
  const value = draft.document.value.get(path);
  const isFixed = path.length === 1 && fixed.includes(String(path[0]));
  const given = {
    ...described,
    value: shown(value),
    placeholder: placeholder(property),
    readOnly: isFixed,
    spellcheck: false,
  };
  const typed = (text: string) => set(text === '' ? undefined : field.kind === 'number' ? number(text) : text);
  if (field.kind === 'text' && field.long) {
    return <textarea {...given} rows={1} class="long-text" onInput={(event) => typed(event.currentTarget.value)} />;
  }
  const names = typeof path.at(-1) === 'string' ? known[String(path.at(-1))] : undefined;
  const list = names === undefined ? undefined : `${described.id}-known`;
  return (
    <>
      <input {...given} list={list} onInput={(event) => typed(event.currentTarget.value)} />
      {names !== undefined && (
        <datalist id={list}>
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </>
  );
}

function Choice(props: {
  described: ReturnType<typeof useDescribed>;
  property: Schema;
  choices: readonly string[];
  value: unknown;
  set: (text: string) => void;
  clear: () => void;
}) {
  const { choices, property, value } = props;
  const now = value === undefined ? '' : String(value);
  const holds = placeholder(property);
  return (
    <select
      {...props.described}
      value={now}
      onInput={(event) => (event.currentTarget.value === '' ? props.clear() : props.set(event.currentTarget.value))}
    >
      <option value="">{holds === '' ? 'not set' : `${holds} (default)`}</option>
      {now !== '' && !choices.includes(now) && <option value={now}>{now}</option>}
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {choice}
        </option>
      ))}
    </select>
  );
}

/** Several of some words. */
function Choices({ path, choices, property }: { path: Path; choices: readonly string[]; property: Schema }) {
  const { draft } = useForm();
  const { id } = useDescribed(path);
  const value = draft.document.value.get(path);
  const now = Array.isArray(value) ? value.map(String) : [];
  const set = (choice: string, isChosen: boolean) => {
    const next = choices.filter((other) => (other === choice ? isChosen : now.includes(other)));
    const document = draft.document.peek();
    draft.edit(next.length === 0 ? document.without(path, path.slice(0, -1)) : document.with(path, next));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: the label beside it names it
    <div class="form-choices" id={id} role="group" aria-labelledby={`${id}-label`} tabIndex={-1}>
      {choices.map((choice) => (
        <label key={choice}>
          <input type="checkbox" checked={now.includes(choice)} onInput={(event) => set(choice, event.currentTarget.checked)} />{' '}
          {choice}
        </label>
      ))}
      {now.length === 0 && <span class="quiet">{placeholder(property)}</span>}
    </div>
  );
}

/** A value as it stands in a field. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A number if it is one, else the text, which the server then refuses. */
function number(text: string): number | string {
  return /^(0|[1-9][0-9]{0,14})$/.test(text.trim()) ? Number(text) : text;
}

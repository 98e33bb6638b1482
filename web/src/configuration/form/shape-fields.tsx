/** The fields of a mapping, made from its schema: of alternatives one, and of the rest what goes with what is there. */

import { useSignal } from '@preact/signals';
import type { Path } from '../path';
import { allowed, alternatives, isRequired, type Schema } from '../schema';
import { idOf, useForm } from './form';
import { Labelled, Problems } from './labelled';
import { ListField } from './list-field';
import { Meaning } from './meaning';
import { NamedTextsField, TextsField, YamlField } from './texts-field';
import { ValueField } from './value-field';
import { VariablesField } from './variables-field';

/** Keys that stand before the choice of a kind. */
const FIRST: readonly string[] = ['name', 'stage', 'skipped'];

interface ShapeProps {
  path: Path;
  shape: Schema;
  /** Keys that are left to somebody else. */
  without?: readonly string[];
}

export function ShapeFields({ path, shape, without = [] }: ShapeProps) {
  const { draft } = useForm();
  const present = new Set(draft.document.value.keys(path));
  const either = alternatives(shape);
  const chosen = either.filter((key) => present.has(key));
  const isShown = (key: string) => !without.includes(key) && (!either.includes(key) || chosen.includes(key));
  const keys = allowed(shape, present).filter(isShown);
  // What is there although it has no place stays in sight, with the server's word about it.
  const strays = [...present].filter((key) => !keys.includes(key) && isShown(key) && shape.properties?.[key] !== undefined);
  const before = keys.filter((key) => FIRST.includes(key));
  const after = keys.filter((key) => !before.includes(key));
  const field = (key: string) => (
    <Property
      key={key}
      path={[...path, key]}
      property={shape.properties?.[key] ?? {}}
      required={isRequired(shape, key, present)}
    />
  );
  return (
    <div class="form-fields">
      {either.length === 0 ? (
        keys.map(field)
      ) : (
        <>
          {before.map(field)}
          <Alternatives path={path} shape={shape} keys={either} chosen={chosen[0]} />
          {after.map(field)}
        </>
      )}
      {strays.map(field)}
    </div>
  );
}

/** Which of several keys is there. */
function Alternatives(props: { path: Path; shape: Schema; keys: readonly string[]; chosen: string | undefined }) {
  const { path, shape, keys, chosen } = props;
  const { draft, schema } = useForm();
  const id = `${idOf(path)}-kind`;
  const choose = (key: string) => {
    const begun = schema.field(shape.properties?.[key] ?? {}).kind === 'group' ? {} : '';
    // The new kind takes the place of the old one in the file.
    if (chosen !== undefined) draft.edit(draft.document.peek().withRenamed(path, chosen, key));
    draft.edit(draft.document.peek().with([...path, key], begun));
  };
  return (
    <div class="form-field">
      <label class="form-label" for={id}>
        Kind<span class="quiet"> required</span>
      </label>
      <div class="form-control">
        <select id={id} value={chosen ?? ''} onInput={(event) => choose(event.currentTarget.value)}>
          {chosen === undefined && <option value="">choose one</option>}
          {keys.map((key) => (
            <option key={key} value={key}>
              {shape.properties?.[key]?.title ?? key}
            </option>
          ))}
        </select>
        <p class="form-help quiet">
          <Meaning text={chosen === undefined ? '' : shape.properties?.[chosen]?.description} />
        </p>
      </div>
    </div>
  );
}

/** One key, by what it holds. */
function Property({ path, property, required }: { path: Path; property: Schema; required: boolean }) {
  const field = useForm().schema.field(property);
  switch (field.kind) {
    case 'group':
      return <Group path={path} property={property} shape={field.shape} required={required} />;
    case 'list':
      return <ListField path={path} property={property} shape={field.shape} />;
    case 'variables':
      return <VariablesField path={path} property={property} shape={field.shape} />;
    case 'texts':
      return <TextsField path={path} property={property} required={required} />;
    case 'named-texts':
      return <NamedTextsField path={path} property={property} required={required} />;
    case 'yaml':
      return <YamlField path={path} property={property} required={required} />;
    case 'text':
    case 'number':
    case 'switch':
    case 'choice':
    case 'choices':
      return <ValueField path={path} property={property} field={field} required={required} />;
  }
}

/** A mapping below a key: absent, or open. */
function Group(props: { path: Path; property: Schema; shape: Schema; required: boolean }) {
  const { path, property, shape, required } = props;
  const { draft } = useForm();
  const begun = useSignal(false);
  const isThere = draft.document.value.has(path);
  if (!isThere && !required && !begun.value) {
    return (
      <Labelled path={path} property={property} required={false} group>
        <button
          type="button"
          class="small"
          id={idOf(path)}
          onClick={() => {
            begun.value = true;
          }}
        >
          Set {property.title?.toLowerCase()}
        </button>
      </Labelled>
    );
  }
  return (
    <fieldset class="form-group" id={idOf(path)} tabIndex={-1}>
      <legend>
        {property.title}
        {!required && (
          <button
            type="button"
            class="small plain"
            onClick={() => {
              begun.value = false;
              if (isThere) draft.edit(draft.document.peek().without(path, path.slice(0, -1)));
            }}
          >
            Remove<span class="visually-hidden"> {property.title?.toLowerCase()}</span>
          </button>
        )}
      </legend>
      <p class="form-help quiet">
        <Meaning text={property.description} />
      </p>
      <Problems path={path} />
      <ShapeFields path={path} shape={shape} />
    </fieldset>
  );
}

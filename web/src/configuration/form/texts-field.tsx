/** Lists of texts, texts by name, and parts that are written as YAML. */
import { useSignal } from '@preact/signals';
import { parse } from 'yaml';
import type { Path } from '../path';
import { placeholder, type Schema } from '../schema';
import { useForm, useProblems } from './form';
import { Labelled, Problems, useDescribed } from './labelled';
import { shown } from './value-field';

interface Props {
  path: Path;
  property: Schema;
  required: boolean;
}

/** One field for each text. */
export function TextsField({ path, property, required }: Props) {
  const { draft } = useForm();
  const { id } = useDescribed(path);
  const value = draft.document.value.get(path);
  const items = Array.isArray(value) ? value : [];
  return (
    <Labelled path={path} property={property} required={required} group>
      {/* biome-ignore lint/a11y/useSemanticElements: the label beside it names it */}
      <div class="form-texts" id={id} role="group" aria-labelledby={`${id}-label`} tabIndex={-1}>
        {items.map((item, index) => (
          <TextItem key={index} path={[...path, index]} value={shown(item)} last={items.length === 1} list={path} />
        ))}
        <div class="inline-form">
          <button type="button" class="small" onClick={() => draft.edit(draft.document.peek().withItem(path, ''))}>
            Add to {property.title?.toLowerCase()}
          </button>
          {items.length === 0 && <span class="quiet">{placeholder(property)}</span>}
        </div>
      </div>
    </Labelled>
  );
}

function TextItem({ path, value, last, list }: { path: Path; value: string; last: boolean; list: Path }) {
  const { draft } = useForm();
  const isWrong = useProblems(path).length > 0;
  const place = `${list.at(-1)} ${Number(path.at(-1)) + 1}`;
  return (
    <>
      <div class="form-item">
        <input
          id={`field-${path.join('-')}`}
          aria-label={place}
          aria-invalid={isWrong}
          value={value}
          spellcheck={false}
          onInput={(event) => draft.edit(draft.document.peek().with(path, event.currentTarget.value))}
        />
        <button
          type="button"
          class="small"
          aria-label={`Remove ${place}`}
          onClick={() => draft.edit(draft.document.peek().without(last ? list : path, list.slice(0, -1)))}
        >
          Remove
        </button>
      </div>
      <Problems path={path} />
    </>
  );
}

/** A name and a text in each row. */
export function NamedTextsField({ path, property, required }: Props) {
  const { draft } = useForm();
  const { id } = useDescribed(path);
  const document = draft.document.value;
  const names = document.keys(path);
  const add = () => draft.edit(document.with([...path, freeName(names)], ''));
  return (
    <Labelled path={path} property={property} required={required} group>
      {/* biome-ignore lint/a11y/useSemanticElements: the label beside it names it */}
      <div class="form-texts" id={id} role="group" aria-labelledby={`${id}-label`} tabIndex={-1}>
        {names.map((name, index) => (
          <div key={index}>
            <div class="form-item">
              <NameInput path={path} name={name} names={names} />
              <input
                aria-label={`Value of ${name}`}
                value={shown(document.get([...path, name]))}
                spellcheck={false}
                onInput={(event) => draft.edit(draft.document.peek().with([...path, name], event.currentTarget.value))}
              />
              <button
                type="button"
                class="small"
                aria-label={`Remove ${name}`}
                onClick={() => draft.edit(document.without([...path, name], path.slice(0, -1)))}
              >
                Remove
              </button>
            </div>
            <Problems path={[...path, name]} />
          </div>
        ))}
        <button type="button" class="small" onClick={add}>
          Add
        </button>
      </div>
    </Labelled>
  );
}

/** The name of an entry; it is taken over when the field is left, so that no half name meets another. */
export function NameInput({ path, name, names }: { path: Path; name: string; names: readonly string[] }) {
  const { draft } = useForm();
  const take = (input: HTMLInputElement) => {
    const next = input.value.trim();
    if (next === name) return;
    if (next === '' || names.includes(next)) input.value = name;
    else draft.edit(draft.document.peek().withRenamed(path, name, next));
  };
  return (
    <input
      class="mono"
      aria-label="Name"
      defaultValue={name}
      key={name}
      spellcheck={false}
      onChange={(event) => take(event.currentTarget)}
    />
  );
}

/** A name that nothing has yet. */
export function freeName(names: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? 'NAME' : `NAME_${count}`;
    if (!names.includes(name)) return name;
  }
}

/** What has no shape of its own, such as the values of a chart. */
export function YamlField({ path, property, required }: Props) {
  const { draft } = useForm();
  const described = useDescribed(path);
  const typed = useSignal<string | null>(null);
  const wrong = useSignal<string | null>(null);
  const take = (text: string) => {
    typed.value = text;
    try {
      const value: unknown = parse(text);
      wrong.value = null;
      const document = draft.document.peek();
      draft.edit(
        value === null || value === undefined ? document.without(path, path.slice(0, -1)) : document.with(path, value),
      );
    } catch (error) {
      wrong.value = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    }
  };
  return (
    <Labelled path={path} property={property} required={required}>
      <textarea
        {...described}
        class="long-text mono"
        rows={2}
        spellcheck={false}
        value={typed.value ?? draft.document.value.yaml(path)}
        onInput={(event) => take(event.currentTarget.value)}
        onBlur={() => {
          if (wrong.value === null) typed.value = null;
        }}
      />
      {wrong.value !== null && <p class="form-problems">This is no YAML yet: {wrong.value}</p>}
    </Labelled>
  );
}

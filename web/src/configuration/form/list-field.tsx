/** A list of mappings: each item folds, and is made only when it is open, so that an environment of hundreds of services stays quick. */

import { useSignal } from '@preact/signals';
import { isAtOrBelow, type Path, written } from '../path';
import { alternatives, type Schema } from '../schema';
import { idOf, useForm } from './form';
import { Problems } from './labelled';
import { Meaning } from './meaning';
import { ShapeFields } from './shape-fields';
import { shown } from './value-field';

export function ListField({ path, property, shape }: { path: Path; property: Schema; shape: Schema }) {
  const { draft } = useForm();
  const opened = useSignal<ReadonlySet<number>>(new Set());
  const length = draft.document.value.length(path);
  const noun = shape.title?.toLowerCase() ?? 'item';
  const toggle = (index: number) => {
    const now = new Set(opened.value);
    if (!now.delete(index)) now.add(index);
    opened.value = now;
  };
  const add = () => {
    opened.value = new Set([...opened.value, length]);
    draft.edit(draft.document.peek().withItem(path, {}));
  };
  const remove = (index: number) => {
    opened.value = new Set();
    const document = draft.document.peek();
    draft.edit(length === 1 ? document.without(path, path.slice(0, -1)) : document.without([...path, index], path));
  };
  const move = (index: number, by: -1 | 1) => {
    opened.value = new Set();
    draft.edit(draft.document.peek().withMoved(path, index, by));
  };
  return (
    <fieldset class="form-group" id={idOf(path)} tabIndex={-1}>
      <legend>{property.title}</legend>
      <p class="form-help quiet">
        <Meaning text={property.description} />
      </p>
      <Problems path={path} />
      {length > 0 && (
        <ol class="form-list">
          {Array.from({ length }, (_, index) => (
            <li key={index}>
              <Item
                path={[...path, index]}
                shape={shape}
                noun={noun}
                isOpen={opened.value.has(index)}
                toggle={() => toggle(index)}
                remove={() => remove(index)}
                up={index === 0 ? undefined : () => move(index, -1)}
                down={index === length - 1 ? undefined : () => move(index, 1)}
              />
            </li>
          ))}
        </ol>
      )}
      <button type="button" class="small" onClick={add}>
        Add {noun}
      </button>
    </fieldset>
  );
}

interface ItemProps {
  path: Path;
  shape: Schema;
  noun: string;
  isOpen: boolean;
  toggle: () => void;
  remove: () => void;
  up: (() => void) | undefined;
  down: (() => void) | undefined;
}

function Item({ path, shape, noun, isOpen, toggle, remove, up, down }: ItemProps) {
  const { draft } = useForm();
  const name = useName(path, shape, noun);
  const count = draft.problems.value.filter((problem) => isAtOrBelow(problem.path, written(path))).length;
  return (
    <>
      <div class="form-item-head" id={idOf(path)} tabIndex={-1}>
        <button type="button" class="plain form-fold" aria-expanded={isOpen} onClick={toggle}>
          <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {name}
          {count > 0 && (
            <span class="bad">
              {count} {count === 1 ? 'problem' : 'problems'}
            </span>
          )}
        </button>
        <button type="button" class="small plain" disabled={up === undefined} aria-label={`Move ${name} up`} onClick={up}>
          ↑
        </button>
        <button type="button" class="small plain" disabled={down === undefined} aria-label={`Move ${name} down`} onClick={down}>
          ↓
        </button>
        <button type="button" class="small plain" aria-label={`Remove ${name}`} onClick={remove}>
          Remove
        </button>
      </div>
      {isOpen && (
        <>
          <Problems path={path} />
          <ShapeFields path={path} shape={shape} />
        </>
      )}
    </>
  );
}

/** What an item is called: by its name, else by its first values. */
function useName(path: Path, shape: Schema, noun: string): string {
  const document = useForm().draft.document.value;
  const keys = document.keys(path);
  const kind = alternatives(shape).find((key) => keys.includes(key));
  const name = document.get([...path, 'name']);
  if (name !== undefined) return kind === undefined ? shown(name) : `${shown(name)} · ${kind}`;
  if (keys.length === 0) return `New ${noun}`;
  // A value that is a mapping is told by its key.
  const words = keys.slice(0, 3).map((key) => {
    const value = document.get([...path, key]);
    return typeof value === 'object' ? key : shown(value);
  });
  return words.join(' ').slice(0, 60);
}

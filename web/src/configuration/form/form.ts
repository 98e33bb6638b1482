/** What the fields of a form share: the draft that they edit, and the schema that they are made from. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { FileProblem } from '../../api/request';
import type { Draft } from '../draft';
import { type Path, written } from '../path';
import type { SchemaReader } from '../schema';

export interface Form {
  draft: Draft;
  schema: SchemaReader;
  /** Keys at the top of the file that this page does not change. */
  fixed: readonly string[];
  /** What a text may name, by the last key of its path: such as the targets that there are. */
  known: Readonly<Record<string, readonly string[]>>;
}

const Context = createContext<Form | null>(null);

export const FormProvider = Context.Provider;

export function useForm(): Form {
  const form = useContext(Context);
  if (form === null) throw new Error('this component stands in a form');
  return form;
}

/** What the server says against exactly this place. */
export function useProblems(path: Path): readonly FileProblem[] {
  return useForm().draft.byPath.value.get(written(path)) ?? [];
}

/** The id of the field of a place, so that a problem can lead to it. */
export function idOf(path: Path | string): string {
  return `field-${typeof path === 'string' ? path : written(path)}`;
}

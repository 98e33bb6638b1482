/** The variables of a file: where each one that a service sees comes from, and what it takes the place of. */
import type { FileDocument } from './file-document';

export type VariableKind = 'value' | 'secret' | 'alias' | 'override' | 'file';

/** One variable as it is written. */
export interface Variable {
  name: string;
  kind: VariableKind;
  /** The value, or the name of the secret or of the other variable. */
  text: string;
  /** Where a file is mounted. */
  mount?: string;
  scope: 'project' | 'environment' | 'service';
}

/** A variable as a service sees it. */
export interface Effective extends Variable {
  /** The variable of a wider scope that it takes the place of. */
  replaces?: Variable;
  /** The variables that its text stands on: an alias, or `{{NAME}}`. */
  needs: string[];
}

const KINDS: VariableKind[] = ['secret', 'alias', 'override', 'file'];

/** The variables of a whole environment or of a project, in file order. */
export function ofWhole(document: FileDocument, scope: 'project' | 'environment'): Variable[] {
  return read(document, ['variables'], scope);
}

/** The names of its services, in file order. */
export function serviceNames(document: FileDocument): string[] {
  const count = document.length(['services']);
  return Array.from({ length: count }, (_, index) => String(document.get(['services', index, 'name']) ?? ''));
}

/** What a service sees, by name, also of what the file of the project gives; built-in variables are not among them. */
export function ofService(document: FileDocument, service: string, given: FileDocument | null = null): Effective[] {
  const index = serviceNames(document).indexOf(service);
  const seen = new Map<string, Effective>();
  const add = (variable: Variable) => {
    const before = seen.get(variable.name);
    const needs = needed(variable);
    seen.set(variable.name, before === undefined ? { ...variable, needs } : { ...variable, needs, replaces: before });
  };
  for (const variable of given === null ? [] : ofWhole(given, 'project')) add(variable);
  for (const variable of ofWhole(document, 'environment')) add(variable);
  if (index >= 0) {
    const declared = document.get(['services', index, 'secrets']);
    for (const name of Array.isArray(declared) ? declared.map(String) : []) {
      add({ name, kind: 'secret', text: name, scope: 'service' });
    }
    for (const variable of read(document, ['services', index, 'variables'], 'service')) add(variable);
  }
  return [...seen.values()].sort((one, other) => one.name.localeCompare(other.name));
}

/** Where the variables of a service are written; `null`: there is no such service. */
export function placeOfService(document: FileDocument, service: string): (string | number)[] | null {
  const index = serviceNames(document).indexOf(service);
  return index < 0 ? null : ['services', index, 'variables'];
}

function read(document: FileDocument, path: (string | number)[], scope: Variable['scope']): Variable[] {
  return document.keys(path).map((name) => {
    const value = document.get([...path, name]);
    if (typeof value !== 'object' || value === null) return { name, kind: 'value', text: String(value ?? ''), scope };
    const kind = KINDS.find((key) => key in value) ?? 'value';
    const parts = value as Record<string, unknown>;
    const variable: Variable = { name, kind, text: String(parts[kind] ?? ''), scope };
    if (kind === 'file') variable.mount = String(parts.mount ?? '');
    return variable;
  });
}

function needed({ kind, text }: Variable): string[] {
  if (kind === 'alias') return [text];
  if (kind === 'secret') return [];
  return [...new Set(Array.from(text.matchAll(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/g), (match) => match[1] ?? ''))];
}

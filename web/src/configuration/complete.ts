/** What can stand at a place of the file, from the schema: for the completion of the editor. */
import { allowed, placeholder, type Schema, type SchemaReader } from './schema';

export interface Suggestion {
  label: string;
  /** What is written for it. */
  text: string;
  detail: string;
  info: string;
}

/** Where in the text the cursor is: the keys above it, and what is typed of the key or the value. */
export interface Cursor {
  path: (string | null)[];
  /** The keys that are there beside it. */
  beside: ReadonlySet<string>;
  /** The key whose value is typed; `null`: a key is typed. */
  key: string | null;
  /** How much of it is typed, in characters. */
  typed: number;
}

/** Finds the place by indentation, as YAML in block style has it; `null` in what this does not read. */
export function cursorIn(lines: readonly string[], line: number, column: number): Cursor | null {
  const before = (lines[line] ?? '').slice(0, column);
  if (/[{[#"']/.test(before)) return null;
  const value = /^(\s*(?:- +)*)([A-Za-z][\w-]*): *([\w.-]*)$/.exec(before);
  const key = /^(\s*(?:- +)*)([\w-]*)$/.exec(before);
  const match = value ?? key;
  if (match === null) return null;
  const indent = match[1]?.length ?? 0;
  const above = pathAbove(lines, line, match[1] ?? '');
  if (value !== null) return { path: above, beside: new Set(), key: value[2] ?? '', typed: (value[3] ?? '').length };
  return { path: above, beside: neighbours(lines, line, indent), key: null, typed: (match[2] ?? '').length };
}

/** The keys above a line, outermost first; `null` is an item of a list. */
function pathAbove(lines: readonly string[], line: number, lead: string): (string | null)[] {
  const path: (string | null)[] = [];
  let indent = lead.length;
  for (const dash of [...lead.matchAll(/- +/g)].reverse()) {
    path.unshift(null);
    indent = dash.index;
  }
  for (let index = line - 1; index >= 0 && (indent > 0 || path[0] === null); index -= 1) {
    const [, spaces = '', dashes = '', name] = /^( *)((?:- +)*)([A-Za-z_][\w-]*):/.exec(lines[index] ?? '') ?? [];
    if (name === undefined) continue;
    const at = spaces.length + dashes.length;
    if (at < indent || (at === indent && path[0] === null && dashes === '')) {
      path.unshift(name);
      indent = at;
    }
    if (dashes !== '' && spaces.length < indent && at <= indent) {
      path.unshift(null);
      indent = spaces.length;
    }
  }
  return path;
}

function neighbours(lines: readonly string[], line: number, indent: number): Set<string> {
  const found = new Set<string>();
  const collect = (step: 1 | -1) => {
    for (let index = line + step; index >= 0 && index < lines.length; index += step) {
      const match = /^(\s*(?:- +)*)([A-Za-z][\w-]*):/.exec(lines[index] ?? '');
      const at = match?.[1]?.length ?? /^\s*/.exec(lines[index] ?? '')?.[0].length ?? 0;
      if ((lines[index] ?? '').trim() === '') continue;
      if (at < indent) return;
      if (at === indent && match?.[2] !== undefined) {
        if (step === 1 && match[1]?.includes('-') === true) return;
        found.add(match[2]);
        if (step === -1 && match[1]?.includes('-') === true) return;
      }
    }
  };
  collect(-1);
  collect(1);
  return found;
}

/** What may be typed there. */
export function suggestions(reader: SchemaReader, cursor: Cursor): Suggestion[] {
  const shape = shapeAt(reader, cursor.path);
  if (shape === null) return [];
  if (cursor.key !== null) return values(shape.properties?.[cursor.key]);
  return allowed(shape, cursor.beside)
    .filter((key) => !cursor.beside.has(key))
    .map((key) => {
      const property = shape.properties?.[key] ?? {};
      const field = reader.field(property);
      const opens = ['group', 'list', 'variables', 'named-texts', 'yaml'].includes(field.kind);
      return {
        label: key,
        text: opens ? `${key}:` : `${key}: `,
        detail: placeholder(property),
        info: property.description ?? '',
      };
    });
}

function values(property: Schema | undefined): Suggestion[] {
  const choices = property?.type === 'boolean' ? ['true', 'false'] : (property?.enum ?? []);
  return choices.map((choice) => ({
    label: String(choice),
    text: String(choice),
    detail: '',
    info: property?.description ?? '',
  }));
}

function shapeAt(reader: SchemaReader, path: readonly (string | null)[]): Schema | null {
  let schema: Schema = reader.whole;
  for (const part of path) {
    const next: Schema | undefined = part === null ? schema.items : below(schema, part);
    if (next === undefined) return null;
    schema = next.items === undefined ? reader.resolve(next) : next;
  }
  return schema.properties === undefined ? null : schema;
}

function below(schema: Schema, key: string): Schema | undefined {
  const property = schema.properties?.[key];
  if (property !== undefined) return property;
  const named = schema.additionalProperties;
  return typeof named === 'object' ? (named.anyOf?.find((one) => one.$ref !== undefined) ?? named) : undefined;
}

/** The JSON Schema of the environment file, as far as a form is made from it. The server makes it from its own table of keys. */
import { answer, client } from '../api/client';

/** A schema, or a part of one. */
export interface Schema {
  title?: string;
  description?: string;
  type?: string | string[];
  enum?: (string | null)[];
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  $ref?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  not?: Schema;
  if?: Schema;
  then?: Schema;
  $defs?: Record<string, Schema>;
  'x-slipway-absent'?: string;
}

/** How a key is edited. */
export type Field =
  | { kind: 'text'; long: boolean }
  | { kind: 'number' }
  | { kind: 'switch' }
  | { kind: 'choice'; choices: (string | null)[] }
  | { kind: 'choices'; choices: string[] }
  | { kind: 'texts' }
  | { kind: 'named-texts' }
  | { kind: 'variables'; shape: Schema }
  | { kind: 'group'; shape: Schema }
  | { kind: 'list'; shape: Schema }
  | { kind: 'yaml' };

/** A part of the schema and the whole of it, in which its references lead. */
export class SchemaReader {
  constructor(readonly whole: Schema) {}

  /** What `$ref` leads to; a schema without one is itself. */
  resolve(schema: Schema): Schema {
    const name = schema.$ref?.replace('#/$defs/', '');
    return name === undefined ? schema : (this.whole.$defs?.[name] ?? schema);
  }

  /** How a property is edited. */
  field(property: Schema): Field {
    if (property.$ref !== undefined) return { kind: 'group', shape: this.resolve(property) };
    if (property.enum !== undefined) return { kind: 'choice', choices: property.enum };
    if (property.type === 'boolean') return { kind: 'switch' };
    if (property.type === 'integer') return { kind: 'number' };
    if (property.type === 'array') return this.#list(property.items ?? {});
    if (property.type === 'object') return this.#mapping(property.additionalProperties);
    return { kind: 'text', long: property.pattern === undefined && property.maxLength === undefined };
  }

  #list(items: Schema): Field {
    if (items.$ref !== undefined) return { kind: 'list', shape: this.resolve(items) };
    if (items.enum !== undefined) return { kind: 'choices', choices: items.enum.filter((choice) => choice !== null) };
    return { kind: 'texts' };
  }

  #mapping(values: boolean | Schema | undefined): Field {
    if (typeof values !== 'object') return { kind: 'yaml' };
    const shape = values.anyOf?.find((schema) => schema.$ref !== undefined);
    return shape === undefined ? { kind: 'named-texts' } : { kind: 'variables', shape: this.resolve(shape) };
  }
}

/** The keys of which a mapping has exactly one, if it has such. */
export function alternatives(shape: Schema): string[] {
  const rule = shape.allOf?.find((schema) => schema.oneOf !== undefined);
  return rule?.oneOf?.flatMap((schema) => schema.required ?? []) ?? [];
}

/** The keys that have a place beside those that are there. */
export function allowed(shape: Schema, present: ReadonlySet<string>): string[] {
  const keys = Object.keys(shape.properties ?? {});
  const rules = (shape.allOf ?? []).filter((rule) => rule.if?.required?.every((key) => present.has(key)) === true);
  return rules.reduce((left, rule) => {
    const names = rule.then?.propertyNames?.enum;
    return names === undefined ? left : left.filter((key) => names.includes(key));
  }, keys);
}

/** Whether the key must be there as long as the others are. */
export function isRequired(shape: Schema, key: string, present: ReadonlySet<string>): boolean {
  if (shape.required?.includes(key) === true) return true;
  const rules = (shape.allOf ?? []).filter((rule) => rule.if?.required?.every((other) => present.has(other)) === true);
  return rules.some((rule) => rule.then?.required?.includes(key) === true);
}

/** What an empty field says: the value that holds then. */
export function placeholder(property: Schema): string {
  if (property.default !== undefined) {
    return Array.isArray(property.default) ? property.default.join(', ') : String(property.default);
  }
  return property['x-slipway-absent'] ?? '';
}

let loaded: Promise<SchemaReader> | undefined;

/** The schema of the server; it is read once. */
export function loadSchema(): Promise<SchemaReader> {
  loaded ??= readSchema().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function readSchema(): Promise<SchemaReader> {
  return new SchemaReader((await answer(client.GET('/api/v1/schema'))) as Schema);
}

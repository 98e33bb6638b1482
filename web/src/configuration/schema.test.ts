import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cursorIn, suggestions } from './complete';
import { allowed, alternatives, isRequired, placeholder, type Schema, SchemaReader } from './schema';

const whole = JSON.parse(readFileSync('../docs/reference/slipway.schema.json', 'utf8')) as Schema;
const reader = new SchemaReader(whole);
const definition = (name: string): Schema => whole.$defs?.[name] ?? {};

/** The labels that are offered where `|` stands in a text. */
function offered(text: string): string[] {
  const lines = text.split('\n');
  const line = lines.findIndex((one) => one.includes('|'));
  const column = lines[line]?.indexOf('|') ?? 0;
  const cursor = cursorIn(lines.with(line, lines[line]?.replace('|', '') ?? ''), line, column);
  return cursor === null ? [] : suggestions(reader, cursor).map((suggestion) => suggestion.label);
}

test('every_key_of_the_schema_has_a_field', () => {
  const kinds = new Set<string>();
  const walk = (shape: Schema) => {
    for (const property of Object.values(shape.properties ?? {})) kinds.add(reader.field(property).kind);
  };
  walk(whole);
  for (const shape of Object.values(whole.$defs ?? {})) walk(shape);
  const expected = [
    'choice',
    'choices',
    'group',
    'list',
    'named-texts',
    'number',
    'switch',
    'text',
    'texts',
    'variables',
    'yaml',
  ];
  expect([...kinds].sort()).toEqual(expected);
});

test('a_service_is_one_of_its_kinds_and_has_the_keys_that_go_with_it', () => {
  const service = definition('service');
  expect(alternatives(service)).toEqual(['application', 'container', 'database', 'job', 'helm']);
  expect(allowed(service, new Set(['database']))).not.toContain('ports');
  expect(allowed(service, new Set(['database']))).toContain('cpu');
  expect(allowed(service, new Set(['container']))).toContain('ports');
  expect(isRequired(definition('chart'), 'version', new Set(['oci']))).toBe(true);
  expect(isRequired(definition('chart'), 'version', new Set(['git']))).toBe(false);
});

test('an_empty_field_says_what_holds', () => {
  expect(placeholder(definition('build').properties?.timeout ?? {})).toBe('30m');
  expect(placeholder(whole.properties?.target ?? {})).toBe("the server's default target");
});

test('the_editor_completes_keys_that_are_not_there_and_values_of_choices', () => {
  expect(offered('apiVersion: slipway.dev/v1\nm|\n')).toContain('mode');
  expect(offered('apiVersion: slipway.dev/v1\nm|\n')).not.toContain('apiVersion');
  expect(offered('mode: |\n')).toEqual(['production', 'staging', 'development', 'preview']);
  expect(offered('pipeline:\n  stages:\n    - name: a\n      |\n')).toEqual(['description', 'defaultFor', 'approval']);
  expect(offered('services:\n  - name: a\n    container:\n      image:\n        |\n')).toContain('digest');
  expect(offered('services:\n- name: a\n  database:\n    type: p|\n')).toContain('postgresql');
  expect(offered('services:\n  - name: a\n    ports:\n      - internal: 1\n        |\n')).toContain('protocol');
  expect(offered('variables:\n  A:\n    |\n')).toContain('secret');
  expect(offered('services:\n  - name: a\n    database: {type: |}\n')).toEqual([]);
});

import { expect, test } from 'vitest';
import { FileDocument } from './file-document';
import { ofService, placeOfService } from './variables';

const document = new FileDocument(`
variables:
  LEVEL: info
  URL: "http://{{HOST}}/{{ LEVEL }}"
  KEY: {secret: STRIPE}
services:
  - name: db
  - name: api
    secrets: [TOKEN]
    variables:
      LEVEL: {override: debug}
      OTHER: {alias: URL}
      CONF: {file: "a = 1", mount: /etc/conf}
`);

test('a_service_sees_its_own_variables_in_the_place_of_those_of_the_environment', () => {
  const seen = new Map(ofService(document, 'api').map((variable) => [variable.name, variable]));
  expect([...seen.keys()]).toEqual(['CONF', 'KEY', 'LEVEL', 'OTHER', 'TOKEN', 'URL']);
  expect(seen.get('LEVEL')).toMatchObject({ kind: 'override', text: 'debug', scope: 'service', replaces: { text: 'info' } });
  expect(seen.get('OTHER')?.needs).toEqual(['URL']);
  expect(seen.get('URL')?.needs).toEqual(['HOST', 'LEVEL']);
  expect(seen.get('KEY')).toMatchObject({ kind: 'secret', scope: 'environment' });
  expect(seen.get('CONF')?.mount).toBe('/etc/conf');
});

test('another_service_sees_those_of_the_environment_alone', () => {
  expect(ofService(document, 'db').map((variable) => variable.name)).toEqual(['KEY', 'LEVEL', 'URL']);
  expect(placeOfService(document, 'api')).toEqual(['services', 1, 'variables']);
  expect(placeOfService(document, 'none')).toBeNull();
});

test('what_the_project_gives_stands_around_the_environment', () => {
  const given = new FileDocument('variables: {LEVEL: warn, REGION: "eu-{{LEVEL}}"}');
  const seen = new Map(ofService(document, 'db', given).map((variable) => [variable.name, variable]));
  expect(seen.get('REGION')).toMatchObject({ scope: 'project', needs: ['LEVEL'] });
  expect(seen.get('LEVEL')).toMatchObject({ scope: 'environment', text: 'info', replaces: { scope: 'project', text: 'warn' } });
});

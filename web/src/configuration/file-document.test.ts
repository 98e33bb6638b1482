import { expect, test } from 'vitest';
import { FileDocument } from './file-document';

const FILE = `# the shop
apiVersion: slipway.dev/v1
services:
  # the database
  - name: db # short
    database: {type: postgresql, version: "15"}
  - name: api
    cpu: 500m
    ports: [{internal: 8080}]
`;

test('what_a_form_changes_leaves_comments_order_and_quotes_of_the_rest_alone', () => {
  const changed = new FileDocument(FILE).with(['services', 0, 'database', 'version'], '16');
  expect(changed).toBe(FILE.replace('"15"', '"16"'));
  expect(new FileDocument(FILE).with(['services', 0, 'name'], 'main')).toBe(FILE.replace('name: db', 'name: main'));
});

test('a_text_that_would_read_as_a_number_is_quoted_and_a_number_is_not', () => {
  const text = new FileDocument('a: x\n').with(['b'], '1.10');
  expect(text).toBe('a: x\nb: "1.10"\n');
  expect(new FileDocument(text).with(['b'], 7)).toBe('a: x\nb: 7\n');
});

test('what_is_missing_on_the_way_is_made_and_goes_with_the_last_that_was_in_it', () => {
  const made = new FileDocument(FILE).with(['services', 1, 'build', 'args', 'A'], '1');
  expect(new FileDocument(made).get(['services', 1, 'build'])).toEqual({ args: { A: '1' } });
  const gone = new FileDocument(made).without(['services', 1, 'build', 'args', 'A']);
  expect(gone).toBe(FILE);
  const kept = new FileDocument(made).without(['services', 1, 'build', 'args', 'A'], ['services', 1, 'build']);
  expect(new FileDocument(kept).get(['services', 1, 'build'])).toEqual({});
});

test('items_of_lists_are_added_moved_and_taken_away', () => {
  const added = new FileDocument(FILE).withItem(['services', 1, 'ports'], { internal: 9090 });
  expect(new FileDocument(added).length(['services', 1, 'ports'])).toBe(2);
  const moved = new FileDocument(FILE).withMoved(['services'], 1, -1);
  expect(new FileDocument(moved).get(['services', 0, 'name'])).toBe('api');
  expect(moved).toContain('# the database');
  expect(new FileDocument('a: 1\n').withItem(['list'], {})).toBe('a: 1\nlist:\n  - {}\n');
});

test('a_key_is_renamed_in_its_place', () => {
  const renamed = new FileDocument(FILE).withRenamed(['services', 0], 'database', 'container');
  expect(new FileDocument(renamed).keys(['services', 0])).toEqual(['name', 'container']);
});

test('a_text_that_does_not_read_has_no_form_and_says_why', () => {
  expect(new FileDocument('a: [1').broken).not.toBeNull();
  expect(new FileDocument('- a\n').broken).toBe('the file is no mapping');
  expect(new FileDocument('').broken).toBeNull();
  expect(new FileDocument(FILE).broken).toBeNull();
});

test('what_a_document_has_written_it_reads_without_reading_the_text_anew', () => {
  const document = new FileDocument(FILE);
  expect(document.readAs(FILE)).toBeNull();
  const changed = document.with(['services', 1, 'cpu'], '2');
  const again = document.readAs(changed);
  expect(again?.get(['services', 1, 'cpu'])).toBe('2');
  expect(again).not.toBe(document);
  expect(again?.with(['services', 1, 'build', 'args', 'A'], '1')).toBe(
    new FileDocument(changed).with(['services', 1, 'build', 'args', 'A'], '1'),
  );
});

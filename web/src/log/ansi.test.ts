import { expect, test } from 'vitest';
import { marked, plain, spans } from './ansi';

test('colours_become_classes_and_end_where_they_are_reset', () => {
  expect(spans('\x1b[1;31merror\x1b[0m: no such file')).toEqual([
    { text: 'error', classes: 'ansi-bold ansi-ink-1' },
    { text: ': no such file', classes: '' },
  ]);
  expect(spans('\x1b[97;44mx\x1b[39my\x1b[49mz').map((span) => span.classes)).toEqual([
    'ansi-ink-15 ansi-paper-4',
    'ansi-paper-4',
    '',
  ]);
});

test('colours_of_256_and_of_all_become_the_nearest_of_sixteen', () => {
  const ink = (codes: string) => spans(`\x1b[${codes}mx`)[0]?.classes;
  expect([ink('38;5;9'), ink('38;5;196'), ink('38;5;240'), ink('38;2;0;200;0'), ink('38:2:250:250:250')]).toEqual([
    'ansi-ink-9',
    'ansi-ink-9',
    'ansi-ink-8',
    'ansi-ink-2',
    'ansi-ink-15',
  ]);
  expect(ink('38;5;1;1')).toBe('ansi-bold ansi-ink-1');
});

test('every_other_control_sequence_is_left_out', () => {
  const texts = [
    'a\x1b[2Kb',
    '\x1b]8;;https://evil.example\x07link\x1b]8;;\x07',
    'a\x1b[',
    'a\x00\x08b\x07',
    '\x1b(Btext',
    'a\u009b31mb',
  ];
  expect(texts.map(plain)).toEqual(['ab', 'link', 'a', 'ab', 'text', 'a31mb']);
  expect(plain('a\tb')).toBe('a\tb');
});

test('what_progress_wrote_last_is_what_is_shown', () => {
  expect(plain('10 %\r50 %\r100 %\r')).toBe('100 %');
});

test('markup_stays_text', () => {
  expect(spans('<img src=x onerror=alert(1)>')).toEqual([{ text: '<img src=x onerror=alert(1)>', classes: '' }]);
});

test('a_match_is_marked_across_colours_and_without_regard_to_case', () => {
  const found = marked(spans('no \x1b[31mErr\x1b[0mor, an error'), 'ERROR');
  expect(found.filter((span) => span.match).map((span) => span.text)).toEqual(['Err', 'or', 'error']);
  expect(found.map((span) => span.text).join('')).toBe('no Error, an error');
});

import { expect, test } from 'vitest';
import { folded, lineDiff } from './line-diff';

const told = (before: string, after: string) =>
  lineDiff(before, after).map(({ kind, text }) => `${{ same: ' ', added: '+', removed: '-' }[kind]}${text}`);

test('what_differs_is_told_line_by_line', () => {
  expect(told('a\nb\nc\n', 'a\nx\nc\n')).toEqual([' a', '-b', '+x', ' c']);
  expect(told('', 'a\n')).toEqual(['+a']);
  expect(told('a\n', '')).toEqual(['-a']);
  expect(told('a\nb\na\nb\n', 'b\na\n')).toEqual(['-a', ' b', ' a', '-b']);
});

test('applied_to_the_one_text_a_diff_makes_the_other', () => {
  let seed = 7;
  const random = (most: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % most;
  };
  for (let round = 0; round < 200; round += 1) {
    const make = () => Array.from({ length: random(12) }, () => 'abcd'.charAt(random(4)));
    const [one, two] = [make(), make()];
    const diff = lineDiff(one.map((line) => `${line}\n`).join(''), two.map((line) => `${line}\n`).join(''));
    expect(diff.filter((line) => line.kind !== 'added').map((line) => line.text)).toEqual(one);
    expect(diff.filter((line) => line.kind !== 'removed').map((line) => line.text)).toEqual(two);
  }
});

test('equal_lines_far_from_a_difference_are_left_out', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  const parts = folded(lineDiff(before.join('\n'), before.with(10, 'new').join('\n')), 2);
  expect(parts.map((part) => part.kind)).toEqual(['gap', 'same', 'same', 'removed', 'added', 'same', 'same', 'gap']);
  expect(parts[0]).toEqual({ kind: 'gap', lines: 8 });
});

import { expect, test } from 'vitest';
import { LogLayout } from './log-layout';

const both = [
  { phase: 'build' as const, lines: 10, isOpen: true },
  { phase: 'release' as const, lines: 5, isOpen: true },
];

test('each_step_has_a_heading_and_its_lines', () => {
  const layout = new LogLayout(both);
  expect(layout.rows).toBe(19);
  expect([0, 1, 2, 11, 12, 14, 18, 19].map((row) => layout.at(row))).toEqual([
    { phase: 'build', heading: true },
    undefined,
    { phase: 'build', line: 0 },
    { phase: 'build', line: 9 },
    { phase: 'release', heading: true },
    { phase: 'release', line: 0 },
    { phase: 'release', line: 4 },
    undefined,
  ]);
  expect(layout.rowOf('release', 4)).toBe(18);
  expect(layout.lines(10, 16)).toEqual([
    { phase: 'build', from: 8, to: 10 },
    { phase: 'release', from: 0, to: 2 },
  ]);
});

test('a_folded_step_takes_its_heading_alone', () => {
  const layout = new LogLayout([{ phase: 'build', lines: 1_000_000, isOpen: false }, ...both.slice(1)]);
  expect([layout.rows, layout.headingOf('release'), layout.lines(0, 9)]).toEqual([
    9,
    2,
    [{ phase: 'release', from: 0, to: 5 }],
  ]);
});

test('the_heading_of_the_lines_at_the_top_is_pinned', () => {
  const layout = new LogLayout(both);
  expect([0, 0.5, 5, 11.9, 12, 13].map((top) => layout.pinned(top))).toEqual([
    undefined,
    'build',
    'build',
    'build',
    undefined,
    'release',
  ]);
});

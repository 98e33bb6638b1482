import { expect, test } from 'vitest';
import { isLinked, linkedLines, linkTo } from './line-link';

const lines = (query: string) => linkedLines(new URLSearchParams(query));

test('an_address_names_a_line_or_a_range_in_any_order', () => {
  expect(lines('phase=build&line=12')).toEqual({ phase: 'build', first: 12, last: 12 });
  expect(lines('phase=release&line=20-12')).toEqual({ phase: 'release', first: 12, last: 20 });
  for (const nonsense of ['', 'line=12', 'phase=build&line=x', 'phase=other&line=1', 'phase=build&line=-1']) {
    expect(lines(nonsense)).toBeUndefined();
  }
});

test('a_second_line_makes_a_range_in_the_same_step_alone', () => {
  const first = lines('phase=build&line=12');
  expect(linkTo('build', 20, first)).toEqual({ phase: 'build', line: '12-20' });
  expect(linkTo('build', 3, first)).toEqual({ phase: 'build', line: '3-12' });
  expect(linkTo('release', 20, first)).toEqual({ phase: 'release', line: '20' });
  expect([isLinked(first, 'build', 12), isLinked(first, 'release', 12), isLinked(first, 'build', 13)]).toEqual([
    true,
    false,
    false,
  ]);
});

import { expect, test } from 'vitest';
import { LogWindow, ROW, TALLEST } from './log-window';

function windowOf(rows: number, viewport = 400): LogWindow {
  const made = new LogWindow();
  made.resize(rows, viewport);
  return made;
}

test('few_rows_scroll_by_their_own_pixels', () => {
  const list = windowOf(1000);
  list.scrolled(2010);
  expect(list.top).toBe(100.5);
  expect(list.offsetOf(100)).toBe(2000);
  expect(list.drawn()).toEqual([88, 133]);
});

test('a_million_rows_fit_into_what_a_browser_can_show', () => {
  const list = windowOf(1_000_000);
  expect(list.height).toBe(TALLEST);
  list.scrolled(TALLEST - 400);
  expect(list.top).toBe(1_000_000 - 400 / ROW);
  expect(list.atEnd).toBe(true);
  list.scrolled((TALLEST - 400) / 2);
  expect(list.top).toBeCloseTo(499_990, 0);
});

test('a_turn_of_the_wheel_moves_a_million_rows_by_its_pixels', () => {
  const list = windowOf(1_000_000);
  list.scrolled(5_000_000);
  const before = list.top;
  list.scrolled(5_000_100);
  expect(list.top - before).toBeCloseTo(100 / ROW, 6);
  list.scrolled(5_000_060);
  expect(list.top - before).toBeCloseTo(60 / ROW, 6);
});

test('every_row_of_a_million_can_be_moved_to_and_is_drawn_there', () => {
  const list = windowOf(1_000_000);
  for (const row of [0, 1, 123_456, 500_000, 999_980]) {
    list.moveTo(row);
    expect(list.top).toBeCloseTo(row, 6);
    expect(list.offsetOf(row)).toBeCloseTo(list.scrollTop, 3);
    const [first, end] = list.drawn();
    expect(first <= row && row < end).toBe(true);
  }
});

test('a_list_that_grows_stays_where_it_is_until_it_is_moved_to_its_end', () => {
  const list = windowOf(100);
  list.moveToEnd();
  expect(list.top).toBe(80);
  list.resize(200, 400);
  expect([list.top, list.atEnd]).toEqual([80, false]);
  list.moveToEnd();
  expect(list.top).toBe(180);
});

test('a_row_in_sight_is_not_moved', () => {
  const list = windowOf(1000);
  list.moveTo(100);
  list.show(110);
  expect(list.top).toBe(100);
  list.show(500);
  expect(list.top).toBe(490);
});

test('rows_that_wrap_can_all_be_moved_to_the_top_and_the_end_fills_the_window', () => {
  const list = windowOf(100);
  list.wraps = true;
  list.resize(100, 400);
  list.moveToEnd();
  expect([list.top, list.height, list.atEnd]).toEqual([99, 99 * ROW + 400, true]);
  expect(list.drawn()).toEqual([80, 100]);
});

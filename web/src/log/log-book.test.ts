import { expect, test, vi } from 'vitest';
import type { LogLine } from '../run/wire';
import { LogBook, type LogSource, PAGE } from './log-book';

/** The line at a place: its number is another, since steps share one row of numbers. */
function line(place: number): LogLine {
  return {
    number: place * 3 + 1,
    position: place + 1,
    at: '2026-01-01T00:00:00Z',
    service: 'api',
    phase: 'build',
    text: `line ${place}`,
  };
}

class Kept implements LogSource {
  asked: number[] = [];
  constructor(readonly count: number) {}

  async page(from: number, limit: number): Promise<LogLine[]> {
    this.asked.push(from);
    return Array.from({ length: Math.max(0, Math.min(limit, this.count - from)) }, (_, index) => line(from + index));
  }

  async placeOf(number: number): Promise<number> {
    return (number - 1) / 3;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test('only_the_pages_of_the_window_are_fetched_and_each_once', async () => {
  const source = new Kept(1_000_000);
  const book = new LogBook(source, 1_000_000, line(999_999).number);
  book.want(499_990, 500_040);
  book.want(499_990, 500_040);
  await settled();
  book.want(499_990, 500_040);
  expect(source.asked).toEqual([499_500, 500_000]);
  expect(book.at(500_000)?.text).toBe('line 500000');
  expect(book.at(0)).toBeUndefined();
});

test('what_is_far_away_is_forgotten', async () => {
  const source = new Kept(1_000_000);
  const book = new LogBook(source, 1_000_000, line(999_999).number);
  for (let page = 0; page < 200; page += 1) {
    book.want(page * PAGE, page * PAGE + 50);
    await settled();
  }
  expect(book.at(0)).toBeUndefined();
  expect(book.at(199 * PAGE)?.text).toBe(`line ${199 * PAGE}`);
});

test('new_lines_are_at_the_end_once_also_when_the_stream_repeats_them', () => {
  const book = new LogBook(new Kept(0), 0, 0);
  book.append([line(0), line(1)]);
  book.append([line(1), line(2)]);
  expect(book.count.value).toBe(3);
  expect([0, 1, 2].map((place) => book.at(place)?.text)).toEqual(['line 0', 'line 1', 'line 2']);
});

test('a_line_after_a_page_that_is_not_here_is_counted_and_fetched_later', async () => {
  const source = new Kept(701);
  const book = new LogBook(source, 700, line(699).number);
  book.append([line(700)]);
  expect([book.count.value, book.at(700)]).toEqual([701, undefined]);
  book.want(690, 701);
  await settled();
  expect(book.at(700)?.text).toBe('line 700');
});

test('a_page_that_can_not_be_had_or_is_short_is_asked_for_again_after_a_while', async () => {
  vi.useFakeTimers();
  const source = new Kept(10);
  let fails = true;
  const asks = vi.fn((from: number, limit: number) => (fails ? Promise.reject(new Error('away')) : source.page(from, limit)));
  const book = new LogBook({ page: asks, placeOf: async () => 0 }, 12, line(11).number);
  book.want(0, 10);
  await vi.advanceTimersByTimeAsync(0);
  book.want(0, 10);
  expect([book.broken.value, asks.mock.calls.length]).toEqual([true, 1]);
  fails = false;
  await vi.advanceTimersByTimeAsync(1000);
  book.want(0, 10);
  await vi.advanceTimersByTimeAsync(0);
  book.want(0, 10);
  expect([book.broken.value, book.at(9)?.text, asks.mock.calls.length]).toEqual([false, 'line 9', 2]);
  vi.useRealTimers();
});

test('lines_that_were_cut_out_leave_their_places_and_move_no_other', async () => {
  const lines = [line(0), line(1), line(1200), line(1201)];
  const page = async (from: number, limit: number) => lines.filter((one) => (one.position ?? 0) > from).slice(0, limit);
  const book = new LogBook({ page, placeOf: async () => 0 }, 1202, line(1201).number);
  book.want(0, 1202);
  await settled();
  expect([0, 1, 2, 700, 1199, 1200, 1201].map((place) => book.at(place)?.text ?? book.at(place))).toEqual([
    'line 0',
    'line 1',
    null,
    null,
    null,
    'line 1200',
    'line 1201',
  ]);
  expect((await book.read(0, 1202)).map((one) => one.text)).toEqual(['line 0', 'line 1', 'line 1200', 'line 1201']);
});

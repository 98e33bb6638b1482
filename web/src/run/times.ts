/** Moments and durations as a person reads them. */
import { duration } from '../environment/clock';

/** A duration with its tenths while it is short: `0.4 s`, `12 s`, `2 min 5 s`. */
export function exact(milliseconds: number): string {
  const tenths = Math.floor(Math.max(0, milliseconds) / 100);
  return tenths < 100 ? `${Math.floor(tenths / 10)}.${tenths % 10} s` : duration(milliseconds);
}

/** Milliseconds from one moment to another. */
export function between(from: string, to: string | number): number {
  return (typeof to === 'number' ? to : Date.parse(to)) - Date.parse(from);
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** The time of the day to the millisecond. */
export function clock(at: string): string {
  return CLOCK.format(new Date(at));
}

/** A moment with its day. */
export function moment(at: string): string {
  return MOMENT.format(new Date(at));
}

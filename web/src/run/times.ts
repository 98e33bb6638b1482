/** Moments and durations as a person reads them, and the clock that a page shares. */
import { signal } from '@preact/signals';

/** The time now, in milliseconds; it moves once a second while somebody needs it. */
export const now = signal(Date.now());

let needed = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Keeps {@link now} moving until the returned function is called. */
export function keepTime(): () => void {
  needed += 1;
  now.value = Date.now();
  timer ??= setInterval(() => {
    now.value = Date.now();
  }, 1000);
  return () => {
    needed -= 1;
    if (needed > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** `0.4s`, `12s`, `3m 05s`, `1h 02m`. */
export function duration(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds));
  const seconds = Math.floor(whole / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 10) return `${seconds}.${Math.floor((whole % 1000) / 100)}s`;
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
}

/** The same, in whole seconds: what ticks does not show tenths. */
export function ticking(milliseconds: number): string {
  return milliseconds < 10_000 ? `${Math.max(0, Math.floor(milliseconds / 1000))}s` : duration(milliseconds);
}

/** Milliseconds from one moment to another. */
export function between(from: string, to: string | number): number {
  return (typeof to === 'number' ? to : Date.parse(to)) - Date.parse(from);
}

/** `5s ago`, `3m ago`, `2h ago`, `4d ago`. */
export function age(at: string, until: number): string {
  const seconds = Math.max(0, Math.floor(between(at, until) / 1000));
  if (seconds < 60) return `${seconds}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ago`;
  return `${Math.floor(seconds / 86_400)}d ago`;
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

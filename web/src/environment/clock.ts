/** The time for texts that grow, such as `12 s` and `3 min ago`. A clock ticks only while somebody looks at it. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';

function clock(milliseconds: number): ReadonlySignal<number> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const now = signal(Date.now(), {
    watched(this: Signal<number>) {
      this.value = Date.now();
      timer = setInterval(() => {
        this.value = Date.now();
      }, milliseconds);
    },
    unwatched() {
      clearInterval(timer);
    },
  });
  return now;
}

/** Ticks every second. */
export const second = clock(1_000);

/** Ticks every fifteen seconds. */
export const quarter = clock(15_000);

/** How long something took: `0.4 s`, `12 s`, `2 min 5 s`, `3 h 4 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** How long ago something was, in its largest unit. */
export function age(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  if (seconds < 60) return 'just now';
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

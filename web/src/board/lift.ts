/** A card or a column that is carried by the keyboard: lifted, moved by the arrows, dropped. All of it is pure. */
import { type Column, type ColumnKey, reordered, SKIPPED } from './columns';
import type { Edit } from './pipeline';

export interface Lift {
  what: 'service' | 'stage';
  name: string;
  /** The columns that it can go to, in their order. */
  places: readonly ColumnKey[];
  from: number;
  at: number;
}

/** Lifts a service out of its column. */
export function liftService(name: string, columns: readonly Column[]): Lift | null {
  const from = columns.findIndex((column) => column.services.includes(name));
  return from < 0 ? null : { what: 'service', name, places: columns.map((column) => column.key), from, at: from };
}

/** Lifts a stage out of the order. */
export function liftStage(name: string, columns: readonly Column[]): Lift | null {
  const places = columns.map((column) => column.key).filter((key) => key !== SKIPPED);
  const from = places.indexOf(name);
  return from < 0 ? null : { what: 'stage', name, places, from, at: from };
}

/** Moves it by so many columns, as far as there are any. */
export function moved(lift: Lift, by: number): Lift {
  return { ...lift, at: Math.max(0, Math.min(lift.places.length - 1, lift.at + by)) };
}

/** What dropping it does; `null` when it is where it was. */
export function editOf(lift: Lift): Edit | null {
  const to = lift.places[lift.at];
  if (lift.at === lift.from || to === undefined) return null;
  if (lift.what === 'service') return drop(lift.name, to);
  if (to === SKIPPED) return null;
  const names = lift.places.filter((key) => key !== SKIPPED);
  return { do: 'order', stages: reordered(names, lift.name, to, lift.at > lift.from ? 'after' : 'before') };
}

/** What dropping a service on a column does. */
export function drop(service: string, to: ColumnKey): Edit {
  return to === SKIPPED ? { do: 'place', service, skipped: true } : { do: 'place', service, stage: to, skipped: false };
}

/** What a screen reader says of it. */
export function spoken(lift: Lift, moment: 'lifted' | 'moved' | 'dropped' | 'canceled'): string {
  const to = lift.places[lift.at];
  const column = to === SKIPPED ? 'Skipped' : `stage ${String(to)}`;
  const place = `${lift.at + 1} of ${lift.places.length}`;
  const where = lift.what === 'service' ? `${column}, column ${place}` : `place ${place}`;
  switch (moment) {
    case 'lifted':
      return `${lift.name} is lifted, ${where}. Left and right arrow move it, Space drops it, Escape puts it back.`;
    case 'moved':
      return `${lift.name}: ${where}`;
    case 'dropped':
      return `${lift.name} is dropped: ${where}`;
    case 'canceled':
      return `${lift.name} is put back`;
  }
}

/** The columns of the board, made from the stages. A column that is the same as before stays the same object, so that it is not drawn anew. */
import type { Approval } from '../environment/wire';
import type { Stages } from './pipeline';

/** The stage of services that are skipped is no stage of the server's. */
export const SKIPPED = Symbol('skipped');

/** Which column: the name of a stage, or the one of the skipped services. */
export type ColumnKey = string | typeof SKIPPED;

export interface Column {
  key: ColumnKey;
  /** The place in the order of execution; `null` for the skipped services. */
  order: number | null;
  title: string;
  description: string;
  approval: Approval;
  defaultFor: string | null;
  /** The names of the services that are shown here. */
  services: readonly string[];
  /** So many more belong to the stage, and are skipped. */
  skipped: number;
}

/** The skipped services first, then the stages in their order. */
export function columnsOf(stages: Stages, before: readonly Column[]): readonly Column[] {
  const skipped: Column = {
    key: SKIPPED,
    order: null,
    title: 'Skipped',
    description: 'Left out when the whole environment is deployed, stopped or restarted',
    approval: 'none',
    defaultFor: null,
    services: stages.flatMap((stage) => stage.services.filter((service) => service.skipped).map((service) => service.name)),
    skipped: 0,
  };
  const columns = stages.map((stage): Column => {
    const services = stage.services.filter((service) => !service.skipped).map((service) => service.name);
    return {
      key: stage.name,
      order: stage.order,
      title: stage.name,
      description: stage.description,
      approval: stage.approval,
      defaultFor: stage.defaultFor ?? null,
      services,
      skipped: stage.services.length - services.length,
    };
  });
  const all = [skipped, ...columns].map((column) => before.find((known) => same(known, column)) ?? column);
  return all.length === before.length && all.every((column, index) => column === before[index]) ? before : all;
}

function same(one: Column, other: Column): boolean {
  return (
    one.key === other.key &&
    one.order === other.order &&
    one.description === other.description &&
    one.approval === other.approval &&
    one.defaultFor === other.defaultFor &&
    one.skipped === other.skipped &&
    one.services.length === other.services.length &&
    one.services.every((name, index) => name === other.services[index])
  );
}

/** The stages in their order after one of them was put beside another. */
export function reordered(names: readonly string[], moved: string, target: string, side: 'before' | 'after'): string[] {
  if (moved === target) return [...names];
  const rest = names.filter((name) => name !== moved);
  const place = rest.indexOf(target) + (side === 'after' ? 1 : 0);
  return rest.toSpliced(place, 0, moved);
}

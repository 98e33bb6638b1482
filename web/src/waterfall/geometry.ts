/** Where the bars of a waterfall are: from the explanation of a deployment to rows of bars, in milliseconds since its beginning. */
import type { ExplainedService, Explanation, Phase, Piece, State } from '../run/wire';

/** What a bar shows: waiting is hollow, work has the hue of what was done. */
export type BarKind = 'waiting' | 'fetching' | 'building' | 'pushing' | 'mirroring' | 'releasing' | 'settling';

/** Each in words, in the order in which a service comes to them. */
export const WORDS: Record<BarKind, string> = {
  waiting: 'waiting',
  fetching: 'fetching',
  building: 'building',
  pushing: 'pushing',
  mirroring: 'mirroring',
  releasing: 'releasing',
  settling: 'waiting for the rollout',
};

/** A stretch of time of one step. */
export interface Bar {
  from: number;
  to: number;
  kind: BarKind;
  phase: Phase;
  /** What went on, for a person. */
  text: string;
  /** Its first and its last moment. */
  at: { from: string; to: string };
  /** Whether it goes on: it ends with the whole. */
  isOpen: boolean;
}

/** A stretch of time without a meaning of its own. */
export interface Stretch {
  from: number;
  to: number;
}

/** One service. */
export interface Row {
  name: string;
  version: string;
  state: State;
  stage: number;
  bars: Bar[];
  /** The parts that determined the end. */
  critical: Stretch[];
  /** How long it was worked on. */
  work: number;
  /** What is drawn of it as a text: equal texts look the same, also when time has gone on. */
  look: string;
  /** The same service in the deployment that it is compared with. */
  before?: { bars: Bar[]; work: number };
}

/** A stage with its rows. */
export interface Band {
  order: number;
  name: string;
  state: State;
  rows: Row[];
  span: Stretch | undefined;
}

/** The whole. */
export interface Waterfall {
  /** The moment that everything counts from. */
  begin: number;
  length: number;
  /** Where what is open ends. */
  until: number;
  bands: Band[];
  /** The wait for its turn. */
  queued: { bar: Stretch; text: string };
  ticks: number[];
}

/** Lays out a deployment, beside an earlier one if it is compared. */
export function waterfall(explained: Explanation, before?: Explanation): Waterfall {
  const begin = Date.parse(explained.acceptedAt);
  const own = Date.parse(explained.until) - begin;
  const queue = Date.parse(explained.queued.to) - begin;
  // Two deployments are compared from the moment when their turn came: how long they queued says nothing about them.
  const shift = before === undefined ? 0 : queue - (Date.parse(before.queued.to) - Date.parse(before.acceptedAt));
  const beforeLength = before === undefined ? 0 : Date.parse(before.until) - Date.parse(before.acceptedAt) + shift;
  const length = Math.max(own, beforeLength, 1);
  const earlier = new Map<string, ExplainedService>();
  for (const service of before?.stages.flatMap((stage) => stage.services) ?? []) earlier.set(service.name, service);
  const critical = criticalByService(explained, begin);
  const openEnd = explained.finishedAt === undefined ? own : undefined;
  const row = (service: ExplainedService, stage: number): Row => {
    const bars = barsOf(service, begin, openEnd);
    const found: Row = {
      name: service.name,
      version: service.version,
      state: service.state,
      stage,
      bars,
      critical: critical.get(service.name) ?? [],
      work: workOf(bars),
      look: '',
    };
    const other = earlier.get(service.name);
    if (before === undefined || other === undefined) return { ...found, look: lookOf(found) };
    const then = barsOf(other, Date.parse(before.acceptedAt));
    const moved = then.map((bar) => ({ ...bar, from: bar.from + shift, to: bar.to + shift }));
    const compared = { ...found, before: { bars: moved.filter((bar) => bar.kind !== 'waiting'), work: workOf(then) } };
    return { ...compared, look: lookOf(compared) };
  };
  const bands = explained.stages.map((stage) => ({
    order: stage.order,
    name: stage.name,
    state: stage.state,
    rows: stage.services.map((service) => row(service, stage.order)),
    span: spanOf(stage.beganAt, stage.endedAt ?? explained.until, begin),
  }));
  const queued = { bar: { from: 0, to: queue }, text: explained.queued.text };
  return { begin, length, until: own, bands, queued, ticks: ticks(length) };
}

function spanOf(from: string | undefined, to: string, begin: number): Stretch | undefined {
  return from === undefined ? undefined : { from: Date.parse(from) - begin, to: Date.parse(to) - begin };
}

/** The bars of a service, one after the other: what its release waited for while it was built is the build's own bars. */
function barsOf(service: ExplainedService, begin: number, openEnd?: number): Bar[] {
  const bars: Bar[] = [];
  let reached = Number.NEGATIVE_INFINITY;
  for (const step of service.steps) {
    for (const piece of step.pieces) {
      const from = Math.max(Date.parse(piece.from) - begin, reached);
      const to = Date.parse(piece.to) - begin;
      if (to <= from) continue;
      for (const { kind, text, at } of cut(piece, step.phase)) {
        const bar = { from: Math.max(Date.parse(at.from) - begin, from), to: Date.parse(at.to) - begin, kind, text, at };
        if (bar.to > bar.from) bars.push({ ...bar, phase: step.phase, isOpen: bar.to === openEnd });
      }
    }
    reached = Math.max(reached, ...bars.map((bar) => bar.to));
  }
  return bars;
}

/** A piece as what was done in it; what is not on record is the step's own work. */
function cut(piece: Piece, phase: Phase): Pick<Bar, 'kind' | 'text' | 'at'>[] {
  if (piece.doing !== 'running') return [{ kind: 'waiting', text: piece.text, at: piece }];
  const own = phase === 'build' ? 'building' : 'releasing';
  const found: Pick<Bar, 'kind' | 'text' | 'at'>[] = [];
  let reached = piece.from;
  const add = (kind: BarKind, text: string, to: string) => {
    found.push({ kind, text, at: { from: reached, to } });
    reached = to;
  };
  for (const part of piece.parts ?? []) {
    if (Date.parse(part.from) > Date.parse(reached)) add(own, piece.text, part.from);
    const kind = part.activity === 'waiting' ? 'settling' : part.activity;
    add(kind, `${piece.text}: ${WORDS[kind]}`, part.to);
  }
  if (Date.parse(piece.to) > Date.parse(reached)) add(own, piece.text, piece.to);
  return found;
}

function lookOf({ state, bars, critical, work, before }: Row): string {
  const drawn = bars.map((bar) => [bar.from, bar.isOpen ? 'open' : bar.to, bar.kind]);
  return JSON.stringify([state, drawn, critical, Math.round(work / 100), before?.bars.map((bar) => [bar.from, bar.to])]);
}

function workOf(bars: Bar[]): number {
  return bars.filter((bar) => bar.kind !== 'waiting').reduce((sum, bar) => sum + bar.to - bar.from, 0);
}

/** The critical path by service; touching pieces of one service are one stretch. */
function criticalByService(explained: Explanation, begin: number): Map<string, Stretch[]> {
  const found = new Map<string, Stretch[]>();
  for (const piece of explained.criticalPath) {
    if (piece.step === undefined) continue;
    const stretch = { from: Date.parse(piece.from) - begin, to: Date.parse(piece.to) - begin };
    if (stretch.to <= stretch.from) continue;
    const known = found.get(piece.step.service) ?? [];
    const last = known.at(-1);
    if (last !== undefined && last.to >= stretch.from) last.to = Math.max(last.to, stretch.to);
    else known.push(stretch);
    found.set(piece.step.service, known);
  }
  return found;
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/** Round moments on the axis, at most nine. */
export function ticks(length: number): number[] {
  const step = (STEPS.find((seconds) => length / (seconds * 1000) <= 8) ?? length / 8000) * 1000;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
}

/** How much slower the work was than before, in milliseconds; nothing that cannot be compared. */
export function slower(row: Row): number | undefined {
  return row.before === undefined || (row.work === 0 && row.before.work === 0) ? undefined : row.work - row.before.work;
}

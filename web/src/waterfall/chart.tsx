/** The waterfall as bars. Its rows are links to the log; left and right go through the pieces of a row. */
import { type Signal, useSignal } from '@preact/signals';
import { memo } from 'preact/compat';
import { StateMark } from '../components/state-mark';
import { clock, exact } from '../run/times';
import type { Phase } from '../run/wire';
import { type Band, type Bar, type Row, type Stretch, slower, type Waterfall, WORDS } from './geometry';

/** What the hint is about, and where it stands. */
interface Pointed {
  row: Row;
  bar: Bar;
  place: { left: string; top?: string; bottom?: string };
}

/** What a hint takes at most; the styles have the same width. */
const HINT_WIDTH = 320;
const HINT_HEIGHT = 160;

interface Props {
  waterfall: Waterfall;
  chosen: string | undefined;
  open: (service: string, phase: Phase) => void;
}

export function Chart({ waterfall, chosen, open }: Props) {
  const pointed = useSignal<Pointed | null>(null);
  const rows = new Map(waterfall.bands.flatMap((band) => band.rows.map((row) => [row.name, row])));
  const point = (row: Row | undefined, index: number, element: Element) => {
    const bar = row?.bars[index];
    if (row === undefined || bar === undefined) return;
    const box = element.getBoundingClientRect();
    const isLow = box.bottom > innerHeight - HINT_HEIGHT;
    const place = isLow ? { bottom: `${innerHeight - box.top + 6}px` } : { top: `${box.bottom + 6}px` };
    const left = Math.max(8, Math.min(box.left, innerWidth - HINT_WIDTH - 8));
    pointed.value = { row, bar, place: { left: `${left}px`, ...place } };
  };
  const over = (event: Event) => {
    const element = (event.target as Element).closest<HTMLElement>('[data-bar]');
    if (element === null) pointed.value = null;
    else point(rows.get(element.dataset.row ?? ''), Number(element.dataset.bar), element);
  };
  const keys = (event: KeyboardEvent) => moveBetween(event, rows, pointed, point);
  const click = (event: MouseEvent) => {
    const link = (event.target as Element).closest<HTMLElement>('[data-row]');
    const row = rows.get(link?.dataset.row ?? '');
    if (row === undefined || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const bar = row.bars[Number((event.target as HTMLElement).dataset.bar)] ?? pointed.value?.bar;
    open(row.name, bar?.phase ?? row.bars.at(-1)?.phase ?? 'release');
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: its rows are links; one handler serves all of them
    <div
      class="chart"
      style={{ '--millisecond': `calc(100% / ${waterfall.length})`, '--until': waterfall.until }}
      onPointerOver={over}
      onPointerLeave={() => {
        pointed.value = null;
      }}
      onKeyDown={keys}
      onFocusOut={() => {
        pointed.value = null;
      }}
      onClick={click}
    >
      <Axis waterfall={waterfall} />
      {waterfall.bands.map((band) => (
        <BandView key={band.order} band={band} chosen={chosen} />
      ))}
      <Hint pointed={pointed} />
    </div>
  );
}

function moveBetween(
  event: KeyboardEvent,
  rows: Map<string, Row>,
  pointed: Signal<Pointed | null>,
  point: (row: Row | undefined, index: number, element: Element) => void,
): void {
  const link = (event.target as Element).closest<HTMLElement>('a[data-row]');
  if (event.key === 'Escape') pointed.value = null;
  if (link === null) return;
  const links = () => [...(link.closest('.chart')?.querySelectorAll<HTMLElement>('a[data-row]') ?? [])];
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    const all = links();
    all[all.indexOf(link) + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
  }
  if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
  event.preventDefault();
  const row = rows.get(link.dataset.row ?? '');
  if (row === undefined) return;
  const current = pointed.value?.row === row ? row.bars.indexOf(pointed.value.bar) : -1;
  const step = event.key === 'ArrowRight' ? 1 : -1;
  const next = (Math.max(current, step < 0 ? 0 : -1) + step + row.bars.length) % Math.max(1, row.bars.length);
  point(row, next, link.querySelector(`[data-bar="${next}"]`) ?? link);
}

function Axis({ waterfall }: { waterfall: Waterfall }) {
  const { ticks, queued } = waterfall;
  return (
    <div class="chart-axis" aria-hidden="true">
      <span />
      <div class="chart-track">
        {ticks.map((tick) => (
          <span key={tick} class="chart-tick" style={{ left: `calc(${tick} * var(--millisecond))` }}>
            {exact(tick).replace('.0 s', ' s')}
          </span>
        ))}
        {queued.bar.to > 0 && <span class="chart-queue" style={place(queued.bar)} title={queued.text} />}
      </div>
      <span />
    </div>
  );
}

function BandView({ band, chosen }: { band: Band; chosen: string | undefined }) {
  return (
    <section class="chart-band" aria-label={`Stage ${band.name}`}>
      <h3>
        {band.order} · {band.name} <StateMark state={band.state} of="run" quiet />
        {band.span !== undefined && <span class="quiet"> {exact(band.span.to - band.span.from)}</span>}
      </h3>
      {band.rows.map((row) => (
        <RowView key={row.name} row={row} isChosen={row.name === chosen} />
      ))}
    </section>
  );
}

interface RowProps {
  row: Row;
  isChosen: boolean;
}

const RowView = memo(
  drawRow,
  (one: RowProps, other: RowProps) => one.row.look === other.row.look && one.isChosen === other.isChosen,
);

function drawRow({ row, isChosen }: RowProps) {
  const query = new URLSearchParams({ service: row.name });
  return (
    <a
      class="chart-row"
      href={`${location.pathname}?${query}`}
      data-row={row.name}
      aria-current={isChosen ? 'true' : undefined}
    >
      <span class="chart-name">
        <StateMark state={row.state} of="run" quiet /> {row.name}
        <span class="visually-hidden">{told(row)}</span>
      </span>
      <span class="chart-track">
        {row.before?.bars.map((bar) => (
          <span key={`before ${bar.from}`} class="chart-ghost" style={place(bar)} />
        ))}
        {row.bars.map((bar, index) => (
          <span
            key={`${bar.phase} ${bar.from}`}
            class={`chart-bar is-${bar.kind}`}
            style={place(bar)}
            data-row={row.name}
            data-bar={index}
          />
        ))}
        {row.critical.map((stretch) => (
          <span key={stretch.from} class="chart-critical" style={place(stretch)} />
        ))}
      </span>
      <Difference row={row} />
    </a>
  );
}

function Difference({ row }: { row: Row }) {
  const more = slower(row);
  if (more === undefined || Math.abs(more) < 100) return <span class="chart-time">{row.work > 0 ? exact(row.work) : ''}</span>;
  return (
    <span class={more > 0 ? 'chart-time bad' : 'chart-time good'}>
      {more > 0 ? '+' : '−'}
      {exact(Math.abs(more))}
    </span>
  );
}

/** Where a stretch is drawn. A millisecond is as wide as the chart says, so that a longer chart leaves its rows as they are. */
function place({ from, to, isOpen = false }: Stretch & { isOpen?: boolean }): Record<string, string> {
  const end = isOpen ? 'var(--until)' : to;
  return { left: `calc(${from} * var(--millisecond))`, width: `calc((${end} - ${from}) * var(--millisecond))` };
}

/** A row in words, for who does not see it. */
function told(row: Row): string {
  const parts = row.bars.map((bar) => {
    const what = bar.kind === 'waiting' ? bar.text : WORDS[bar.kind];
    return bar.isOpen ? what : `${what} ${exact(bar.to - bar.from)}`;
  });
  const more = slower(row);
  if (row.critical.length > 0) parts.push('on the critical path');
  if (more !== undefined && Math.abs(more) >= 100)
    parts.push(`${exact(Math.abs(more))} ${more > 0 ? 'slower' : 'faster'} than before`);
  return `: ${parts.join(', ')}`;
}

function Hint({ pointed }: { pointed: Signal<Pointed | null> }) {
  const found = pointed.value;
  return (
    <div class="chart-hint" role="status" hidden={found === null} style={found?.place ?? {}}>
      {found !== null && (
        <>
          <strong>
            {found.row.name}, {found.bar.phase}
          </strong>
          <span>{found.bar.text}</span>
          <span class="mono">
            {clock(found.bar.at.from)} to {clock(found.bar.at.to)}, {exact(found.bar.to - found.bar.from)}
          </span>
          {isCritical(found) && <span>On the critical path: sooner here is sooner at the end</span>}
        </>
      )}
    </div>
  );
}

function isCritical({ row, bar }: Pointed): boolean {
  return row.critical.some((stretch) => stretch.from < bar.to && bar.from < stretch.to);
}

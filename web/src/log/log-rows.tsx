/** The window on a log: as many elements as fit into it, whatever the log's length. */
import { memo } from 'preact/compat';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { clock } from '../run/times';
import type { LogLine, Phase } from '../run/wire';
import { marked, spans } from './ansi';
import { isLinked, type LinkedLines, linkTo } from './line-link';
import type { LogPane } from './log-pane';
import { SectionHeading, type StepOf } from './section-heading';

interface Props {
  pane: LogPane;
  service: string;
  linked: LinkedLines | undefined;
  /** What is searched for. */
  wanted: string;
  /** The number of the match that is shown. */
  match: number | undefined;
  times: boolean;
  stepOf: StepOf;
  /** Somebody chose a line, with the shift key a further one. */
  choose: (phase: Phase, number: number, further: boolean) => void;
}

export function LogRows(props: Props) {
  const { pane, service } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  void pane.moved.value;
  void pane.changed;
  const layout = pane.layout.value;
  const [first, end] = pane.fit();
  useEffect(() => pane.want(first, end));
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      pane.viewport.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [pane]);
  useLayoutEffect(() => {
    const [outer, inner] = [scroller.current, rows.current];
    if (outer === null || inner === null) return;
    if (Math.abs(outer.scrollTop - pane.window.scrollTop) >= 1) outer.scrollTop = pane.window.scrollTop;
    inner.style.transform = `translateY(${pane.wraps.peek() ? wrapped(pane, inner, first) : pane.window.offsetOf(first)}px)`;
  });
  const settle = () => {
    if (scroller.current !== null) scroller.current.scrollTop = pane.window.scrollTop;
  };
  const click = (event: MouseEvent) => {
    const number = (event.target as Element).closest<HTMLElement>('[data-number]');
    const phase = number?.dataset.phase;
    if (number === null || (phase !== 'build' && phase !== 'release') || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    props.choose(phase, Number(number.dataset.number), event.shiftKey);
  };
  const pinned = pane.wraps.value ? undefined : layout.pinned(pane.window.top);
  return (
    <div class="log-frame">
      {pinned !== undefined && (
        <div class="log-pinned">
          <SectionHeading pane={pane} phase={pinned} stepOf={props.stepOf} />
        </div>
      )}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the numbers are links, which answer to the keyboard by a click */}
      <section
        class="log-scroll"
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
        aria-label={`Lines of ${service}`}
        onScroll={(event) => pane.scrolled(event.currentTarget.scrollTop, settle)}
        onClick={click}
      >
        <div class="log-space" style={{ height: `${pane.window.height}px` }}>
          <div class={pane.wraps.value ? 'log-rows wraps' : 'log-rows'} ref={rows}>
            {Array.from({ length: end - first }, (_, index) => row(props, first + index, index === 0))}
          </div>
        </div>
      </section>
    </div>
  );
}

/** Where rows of unequal height are drawn: the top row at the top, unless that would leave the end of the window empty. */
function wrapped(pane: LogPane, inner: HTMLElement, first: number): number {
  const { top, scrollTop, viewport } = pane.window;
  const element = inner.children[Math.floor(top) - first];
  const above = element instanceof HTMLElement ? element.offsetTop + (top % 1) * element.offsetHeight : 0;
  return inner.offsetHeight - above < viewport ? scrollTop + viewport - inner.offsetHeight : scrollTop - above;
}

function row(props: Props, index: number, isFirst: boolean) {
  const { pane, service, linked, wanted, match, times } = props;
  const found = pane.layout.peek().at(index);
  // The second row of a heading is the lower half of the first; it stands alone at the top of the window.
  if (found === undefined)
    return isFirst || pane.wraps.peek() ? <div key="half" class={isFirst ? 'log-half' : 'log-none'} /> : null;
  if ('heading' in found) return <SectionHeading key={found.phase} pane={pane} phase={found.phase} stepOf={props.stepOf} />;
  const { phase } = found;
  const line = pane.line(phase, found.line);
  return (
    <Line
      key={`${phase}${found.line}`}
      service={service}
      phase={phase}
      place={found.line}
      line={line}
      isLinked={line !== undefined && isLinked(linked, phase, line.number)}
      wanted={wanted}
      isMatch={line !== undefined && line.number === match}
      times={times}
    />
  );
}

interface LineProps {
  service: string;
  phase: Phase;
  place: number;
  line: LogLine | undefined;
  isLinked: boolean;
  wanted: string;
  isMatch: boolean;
  times: boolean;
}

const Line = memo(function Line({ service, phase, place, line, wanted, times, ...is }: LineProps) {
  const number = (place + 1).toLocaleString('en').replaceAll(',', '\u2009');
  if (line === undefined) {
    return (
      <div class="log-line is-missing">
        <span class="log-number">{number}</span>
      </div>
    );
  }
  const query = new URLSearchParams({ service, ...linkTo(phase, line.number) });
  const found = spans(line.text);
  return (
    <div class={`log-line${is.isLinked ? ' is-linked' : ''}${is.isMatch ? ' is-match' : ''}`}>
      <a
        class="log-number"
        href={`${location.pathname}?${query}`}
        tabIndex={-1}
        data-number={line.number}
        data-phase={phase}
        title={clock(line.at)}
      >
        {number}
      </a>
      {times && <time class="log-time">{clock(line.at)}</time>}
      <span class="log-text">
        {marked(found, wanted).map(({ text, classes, match }, index) => {
          const key = `${index}`;
          if (match) return <mark key={key}>{text}</mark>;
          return classes === '' ? (
            text
          ) : (
            <span key={key} class={classes}>
              {text}
            </span>
          );
        })}
      </span>
    </div>
  );
});

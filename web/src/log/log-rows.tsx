/** The rows of a deployment's log. */
import { memo } from 'preact/compat';
import { clock } from '../run/times';
import type { LogLine, Phase } from '../run/wire';
import { isLinked, type LinkedLines, linkTo } from './line-link';
import { grouped, LineText } from './line-text';
import type { LogPane } from './log-pane';
import { RowWindow } from './row-window';
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
  const { pane, service, stepOf } = props;
  void pane.moved.value;
  void pane.changed;
  const layout = pane.layout.value;
  const click = (event: MouseEvent) => {
    const number = (event.target as Element).closest<HTMLElement>('[data-number]');
    const phase = number?.dataset.phase;
    if (number === null || (phase !== 'build' && phase !== 'release') || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    props.choose(phase, Number(number.dataset.number), event.shiftKey);
  };
  const pinned = pane.wraps.value ? undefined : layout.pinned(pane.window.top);
  return (
    <RowWindow
      view={pane}
      label={`Lines of ${service}`}
      pinned={
        pinned !== undefined && (
          <div class="log-pinned">
            <SectionHeading pane={pane} phase={pinned} stepOf={stepOf} />
          </div>
        )
      }
      row={(index, isFirst) => row(props, index, isFirst)}
      drawn={(first, end) => pane.want(first, end)}
      onClick={click}
    />
  );
}

function row(props: Props, index: number, isFirst: boolean) {
  const { pane, service, linked, wanted, match, times } = props;
  const found = pane.layout.peek().at(index);
  // The second row of a heading is the lower half of the first; it stands alone at the top of the window.
  if (found === undefined) return <div key={`half ${index}`} class={isFirst ? 'log-half' : 'log-none'} />;
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
      isLinked={line !== undefined && line !== null && isLinked(linked, phase, line.number)}
      wanted={wanted}
      isMatch={line !== undefined && line !== null && line.number === match}
      times={times}
    />
  );
}

interface LineProps {
  service: string;
  phase: Phase;
  place: number;
  line: LogLine | null | undefined;
  isLinked: boolean;
  wanted: string;
  isMatch: boolean;
  times: boolean;
}

const Line = memo(function Line({ service, phase, place, line, wanted, times, ...is }: LineProps) {
  if (line === undefined || line === null) {
    return (
      <div class="log-line is-missing">
        <span class="log-number">{grouped(place + 1)}</span>
        {line === null && <span class="quiet">cut out of the log, which grew too long</span>}
      </div>
    );
  }
  const query = new URLSearchParams({ service, ...linkTo(phase, line.number) });
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
        {grouped(place + 1)}
      </a>
      {times && <time class="log-time">{clock(line.at)}</time>}
      <LineText text={line.text} wanted={wanted} />
    </div>
  );
});

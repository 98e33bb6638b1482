/** The log of one service of a deployment. */
import { computed, type Signal, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { type ProblemDetails, Refusal } from '../api/request';
import { Problem } from '../components/problem';
import { useQuery } from '../run/query';
import type { Run } from '../run/run';
import { failureOf } from '../run/run';
import type { RunSession } from '../run/run-session';
import { hasEnded } from '../run/states';
import type { Phase, Step } from '../run/wire';
import '../styles/log.css';
import { openLog } from './deployment-log';
import { linkedLines, linkTo } from './line-link';
import { LogPane } from './log-pane';
import { LogRows } from './log-rows';
import { LogSearch } from './log-search';
import { LogToolbar } from './log-toolbar';

export function LogView({ session, run, service }: { session: RunSession; run: Run; service: string }) {
  const [query, change] = useQuery();
  const search = useSignal<LogSearch | null>(null);
  const pane = useMemo(() => new LogPane(computed(() => stepsOf(run, service))), [run, service]);
  const linked = linkedLines(query);
  const wanted = query.get('search') ?? '';
  pane.wraps.value = query.get('wrap') === 'on';
  const problem = useLines(pane, session, run, service);
  const step = async (by: 1 | -1, of = search.value) => {
    const match = await of?.step(by);
    if (match !== undefined) await pane.showNumber(match.phase, match.number);
  };
  useEffect(() => {
    const begun = wanted === '' ? null : new LogSearch(session.id, service, wanted);
    search.value = begun;
    if (begun !== null) void begun.begin().then(() => (linked === undefined ? step(1, begun) : undefined), ignoreAbort);
    return () => begun?.stop();
  }, [session, service, wanted]);
  const choose = (phase: Phase, number: number, further: boolean) => {
    change({ service, ...linkTo(phase, number, further ? linked : undefined) });
  };
  const match = search.value?.matches.value[search.value.current.value]?.number;
  const isLive = !hasEnded(run.head.value.state);
  return (
    <div class="log">
      <LogToolbar
        pane={pane}
        fileName={`${run.head.value.environment}-${run.head.value.number}-${service}`}
        search={search.value}
        seek={(text) => change({ search: text === '' ? null : text })}
        step={(by) => void step(by)}
        linked={linked}
        wanted={wanted}
        times={query.get('times') === 'on'}
        set={({ wrap, times }) => {
          if (wrap !== undefined) change({ wrap: wrap ? 'on' : null });
          if (times !== undefined) change({ times: times ? 'on' : null });
        }}
      />
      {problem.value !== null && <Problem problem={problem.value} />}
      {pane.isBroken && (
        <p class="run-lost" role="status">
          Some lines could not be fetched. Scroll to ask for them again.
        </p>
      )}
      <LogRows
        pane={pane}
        service={service}
        linked={linked}
        wanted={wanted}
        match={match}
        times={query.get('times') === 'on'}
        stepOf={(phase) => stepOf(run, service, phase)}
        choose={choose}
      />
      <LogEnd pane={pane} isLive={isLive} />
    </div>
  );
}

/** Reads the log into its pane and follows what comes; tells why it can not be read. */
function useLines(pane: LogPane, session: RunSession, run: Run, service: string): Signal<ProblemDetails | null> {
  const problem = useSignal<ProblemDetails | null>(null);
  useEffect(() => {
    const aborted = new AbortController();
    let stop: (() => void) | undefined;
    const open = async () => {
      try {
        pane.books.value = await openLog(session.id, service, aborted.signal);
      } catch (error) {
        if (aborted.signal.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        problem.value = error.problem;
        return;
      }
      const after = Math.max(0, ...[...pane.books.value.values()].map((book) => book.last));
      stop = session.follow({ service, after, lines: (lines) => pane.append(lines) });
      await begin(pane, run, service, linkedLines(new URLSearchParams(location.search)));
    };
    void open();
    return () => {
      aborted.abort();
      stop?.();
      pane.close();
    };
  }, [pane]);
  return problem;
}

function LogEnd({ pane, isLive }: { pane: LogPane; isLive: boolean }) {
  if (pane.books.value === null) return <p class="log-end quiet">Reading the log…</p>;
  const lines = pane.layout.value.sections.reduce((sum, section) => sum + section.lines, 0);
  if (lines === 0) return <p class="log-end quiet">{isLive ? 'It has not said anything yet' : 'It has not said anything'}</p>;
  if (pane.following.value)
    return <p class="log-end quiet">{isLive ? 'Following: new lines appear here' : 'This is the end'}</p>;
  return (
    <p class="log-end">
      <button type="button" class="small" onClick={() => pane.follow()}>
        {isLive ? '↓ Follow' : '↓ To the end'}
      </button>
    </p>
  );
}

/** The steps that a service has. */
function stepsOf(run: Run, name: string): Phase[] {
  return run.service(name)?.value.build === undefined ? ['release'] : ['build', 'release'];
}

function stepOf(run: Run, name: string, phase: Phase): Step | undefined {
  return run.service(name)?.value[phase];
}

/** Where the window is at first: on the lines that the address names, on the end of what failed or goes on, else at the top. */
async function begin(pane: LogPane, run: Run, name: string, linked: ReturnType<typeof linkedLines>): Promise<void> {
  const service = run.service(name)?.peek();
  if (linked !== undefined) await pane.showNumber(linked.phase, linked.first);
  else if (service !== undefined && failureOf(service) !== undefined) {
    pane.showEndOf(service.build?.failure === undefined ? 'release' : 'build');
  } else if (service !== undefined && !hasEnded(service.state)) pane.follow();
}

function ignoreAbort(error: unknown): void {
  if (error instanceof Refusal || (error instanceof DOMException && error.name === 'AbortError')) return;
  throw error;
}

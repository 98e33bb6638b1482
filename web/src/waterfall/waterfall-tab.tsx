/** What happened when: the explanation of a run as a waterfall, read anew while it goes on, and beside the run before. */
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { type ProblemDetails, Refusal } from '../api/request';
import { Problem } from '../components/problem';
import { useQuery } from '../run/query';
import { deployments, explanation } from '../run/requests';
import type { Run } from '../run/run';
import type { RunSession } from '../run/run-session';
import { hasEnded } from '../run/states';
import { between, exact } from '../run/times';
import type { Explanation, Phase } from '../run/wire';
import '../styles/waterfall.css';
import { Chart } from './chart';
import { WORDS, waterfall } from './geometry';
import { PieceTable } from './piece-table';

/** The shortest time between two readings of a run that goes on. */
const PAUSE = 1000;

interface Props {
  session: RunSession;
  run: Run;
  chosen: string | undefined;
  /** Goes to the log of a step. */
  open: (service: string, phase: Phase) => void;
}

export function WaterfallTab({ session, run, chosen, open }: Props) {
  const [query, change] = useQuery();
  const now = useSignal<Explanation | null>(null);
  const before = useSignal<Explanation | null | undefined>(undefined);
  const problem = useSignal<ProblemDetails | null>(null);
  const compares = query.get('compare') === 'before';
  useEffect(() => keepReading(session, run, now, problem), [session]);
  useEffect(() => {
    if (!compares || before.value !== undefined) return;
    void readBefore(run).then((found) => {
      before.value = found;
    });
  }, [compares, run]);
  const laid = useMemo(
    () => (now.value === null ? null : waterfall(now.value, compares ? (before.value ?? undefined) : undefined)),
    [now.value, before.value, compares],
  );
  if (laid === null || now.value === null) {
    return problem.value === null ? <p class="quiet">Reading what happened…</p> : <Problem problem={problem.value} />;
  }
  return (
    <section class="waterfall" aria-label="Waterfall">
      <div class="waterfall-bar">
        <Legend />
        <label class="check">
          <input
            type="checkbox"
            checked={compares}
            onChange={(event) => change({ compare: event.currentTarget.checked ? 'before' : null })}
          />
          Compare with the run before
        </label>
        <Summary now={now.value} before={compares ? before.value : undefined} compares={compares} />
      </div>
      <Chart waterfall={laid} chosen={chosen} open={open} />
      <PieceTable waterfall={laid} />
    </section>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label="Colours">
      {Object.entries(WORDS).map(([kind, word]) => (
        <li key={kind}>
          <span class={`swatch is-${kind}`} /> {word}
        </li>
      ))}
      <li>
        <span class="swatch is-critical" /> critical path
      </li>
    </ul>
  );
}

function Summary({ now, before, compares }: { now: Explanation; before: Explanation | null | undefined; compares: boolean }) {
  const took = between(now.queued.to, now.until);
  const own = `${hasEnded(now.state) ? 'took' : 'so far'} ${exact(took)}`;
  if (!compares || before === undefined) return <span class="quiet">{own}</span>;
  if (before === null) return <span class="quiet">{own}; no run before it can be compared</span>;
  const more = took - between(before.queued.to, before.until);
  const word = more > 0 ? 'more' : 'less';
  return (
    <span>
      {own}, {exact(Math.abs(more))} {word} than #{before.number}
    </span>
  );
}

/** Reads the explanation, and again after changes as long as the run goes on. */
function keepReading(
  session: RunSession,
  run: Run,
  into: { value: Explanation | null },
  problem: { value: ProblemDetails | null },
): () => void {
  const aborted = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const read = async () => {
    const begun = performance.now();
    const ended = hasEnded(run.head.peek().state);
    try {
      into.value = await explanation(session.id, aborted.signal);
      problem.value = null;
    } catch (error) {
      if (aborted.signal.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
    // A large run takes longer to tell: reading it takes no more than a quarter of the time.
    if (!ended) timer = setTimeout(read, Math.max(PAUSE, 3 * (performance.now() - begun)));
  };
  void read();
  return () => {
    aborted.abort();
    clearTimeout(timer);
  };
}

/** The last finished deployment before this one that did the same. */
async function readBefore(run: Run): Promise<Explanation | null> {
  const { project, environment, number, action } = run.head.peek();
  try {
    const page = await deployments(project, environment, { cursor: String(number), limit: 20 });
    const same = page.items.filter((item) => item.action === action && hasEnded(item.state));
    const found = same.find((item) => item.state === 'succeeded') ?? same[0];
    return found === undefined ? null : await explanation(found.id);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return null;
  }
}

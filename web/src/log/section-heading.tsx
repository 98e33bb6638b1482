import { StateMark } from '../components/state-mark';
import { duration, second } from '../environment/clock';
import { hasEnded } from '../run/states';
import { between, exact } from '../run/times';
import type { Phase, Step } from '../run/wire';
import type { LogPane } from './log-pane';

/** How a step stands; it is asked for while it is drawn. */
export type StepOf = (phase: Phase) => Step | undefined;

/** The heading of a step: folds and unfolds its lines, and says how it stands. */
export function SectionHeading({ pane, phase, stepOf }: { pane: LogPane; phase: Phase; stepOf: StepOf }) {
  const step = stepOf(phase);
  const lines = pane.books.value?.get(phase)?.count.value ?? 0;
  const isOpen = !pane.folded.value.has(phase);
  return (
    <div class="log-heading">
      <button type="button" class="plain" aria-expanded={isOpen} onClick={() => pane.toggle(phase)}>
        <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span>
        <strong>{phase === 'build' ? 'Build' : 'Release'}</strong>
      </button>
      {step !== undefined && <StateMark state={step.state} of="run" />}
      {step !== undefined && <StepTime step={step} />}
      <span class="quiet">
        {lines.toLocaleString('en')} {lines === 1 ? 'line' : 'lines'}
      </span>
      {step?.explanation !== undefined && (
        <span class="quiet log-why" title={step.explanation}>
          {step.explanation}
        </span>
      )}
    </div>
  );
}

function StepTime({ step }: { step: Step }) {
  if (step.startedAt === undefined || step.state === 'skipped') return null;
  if (step.endedAt !== undefined) return <span class="seconds">{exact(between(step.startedAt, step.endedAt))}</span>;
  return hasEnded(step.state) ? null : <span class="seconds">{duration(between(step.startedAt, second.value))}</span>;
}

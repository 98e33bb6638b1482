import { useSignal } from '@preact/signals';
import { type ProblemDetails, Refusal } from '../api/request';
import { Problem } from '../components/problem';
import { approve } from './requests';
import type { Run, RunStage } from './run';
import { moment } from './times';

/** Whether a stage may start: who has said so, or the buttons to say it. */
export function ApprovalPanel({ run, stage }: { run: Run; stage: RunStage }) {
  const problem = useSignal<ProblemDetails | null>(null);
  const busy = useSignal(false);
  const approval = stage.approval.value;
  if (approval === undefined) return null;
  const say = async (approved: boolean) => {
    busy.value = true;
    problem.value = null;
    try {
      run.replace(await approve(run.head.peek().id, { stage: stage.name, approved }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
    busy.value = false;
  };
  return (
    <div class={`approval is-${approval.state}`}>
      {approval.state === 'required' && <p class="quiet">Waits for approval before it starts</p>}
      {approval.state === 'awaited' && (
        <>
          <p role="status">
            <strong>Waits for your approval</strong>
          </p>
          <p class="actions">
            <button type="button" class="primary small" disabled={busy.value} onClick={() => say(true)}>
              Approve
            </button>
            <button type="button" class="danger small" disabled={busy.value} onClick={() => say(false)}>
              Refuse
            </button>
          </p>
        </>
      )}
      {(approval.state === 'approved' || approval.state === 'refused') && (
        <p class="quiet" title={approval.at === undefined ? undefined : moment(approval.at)}>
          {approval.state === 'approved' ? 'Approved' : 'Refused'} by {approval.actor}
        </p>
      )}
      {problem.value !== null && <Problem problem={problem.value} />}
    </div>
  );
}

import type { ProblemDetails } from '../api/request';

/** What the server refuses, with what to do next. */
export function Problem({ problem }: { problem: ProblemDetails }) {
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{problem.detail}</strong> <code>{problem.code}</code>
      </p>
      {problem.hint !== undefined && <p>{problem.hint}</p>}
    </div>
  );
}

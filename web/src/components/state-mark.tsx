/** States by shape and word as well as by colour. */

const SHAPES: Record<string, string> = {
  queued: '○',
  running: '◐',
  succeeded: '✓',
  failed: '✗',
  skipped: '⤼',
  canceling: '◑',
  canceled: '⊘',
  stopped: '■',
  starting: '◐',
  warning: '▲',
  error: '✗',
  stopping: '◑',
  completed: '✓',
};

/** A state of a deployment, a stage or a step, or a running status. */
export function StateMark({ state, of, quiet = false }: { state: string; of: 'run' | 'running'; quiet?: boolean }) {
  const shape = of === 'running' && state === 'running' ? '●' : (SHAPES[state] ?? '?');
  return (
    <span class={`state state-${of}-${state}`}>
      <span aria-hidden="true">{shape}</span>
      <span class={quiet ? 'visually-hidden' : ''}>{state}</span>
    </span>
  );
}

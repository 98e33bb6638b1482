import { useSignal } from '@preact/signals';
import { type Inputs, useEffect } from 'preact/hooks';
import { type ProblemDetails, Refusal } from '../api/request';

export interface Loaded<Value> {
  value: Value | null;
  problem: ProblemDetails | null;
  /** Reads it again. */
  again: () => Promise<void>;
}

/** Something that is read when the component is shown, and again when what it depends on changes. */
export function useLoaded<Value>(read: () => Promise<Value>, inputs: Inputs): Loaded<Value> {
  const value = useSignal<Value | null>(null);
  const problem = useSignal<ProblemDetails | null>(null);
  const again = async () => {
    try {
      value.value = await read();
      problem.value = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  useEffect(() => {
    void again();
  }, inputs);
  return { value: value.value, problem: problem.value, again };
}

import { useCallback, useState } from 'react';
import { type Answer, perform } from '../../api/calls';
import type { Call } from '../../ui/code';

/** A call that was made here, and its answer. */
export interface Run {
  /** By the page's clock. */
  startedMs: number;
  answer: Answer | null;
  /** Set if the service did not answer. */
  failure: unknown;
}

export const isRunning = (run: Run | null): boolean => run !== null && run.answer === null && run.failure === null;

/** @returns The newest call, and a function that makes one and returns its answer, or null without one. */
export function useRun(): [Run | null, (call: Call) => Promise<Answer | null>] {
  const [run, setRun] = useState<Run | null>(null);
  const start = useCallback(async (call: Call): Promise<Answer | null> => {
    const startedMs = performance.now();
    setRun({ startedMs, answer: null, failure: null });
    try {
      const answer = await perform(call);
      setRun({ startedMs, answer, failure: null });
      return answer;
    } catch (failure) {
      setRun({ startedMs, answer: null, failure });
      return null;
    }
  }, []);
  return [run, start];
}

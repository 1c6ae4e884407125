import { useEffect, useReducer } from 'react';
import { classes } from '../../ui/classes';
import { type Run, isRunning } from './use-run';

/** The time that the caller waited for the answer, running while it waits. */
export function Stopwatch({ run, label }: { run: Run | null; label: string }) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const runs = isRunning(run);
  useEffect(() => {
    if (!runs) return undefined;
    let frame = requestAnimationFrame(function next() {
      tick();
      frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }, [runs]);
  const waitedMs = run === null ? 0 : (run.answer?.tookMs ?? performance.now() - run.startedMs);
  return (
    <p className="flex items-baseline gap-2">
      <span
        role="timer"
        aria-label={label}
        className={classes(
          'font-display text-4xl font-semibold tracking-tight tabular-nums',
          run === null && 'text-muted',
          runs && 'text-info',
        )}
      >
        {(waitedMs / 1_000).toFixed(3)} s
      </span>
      <span className="text-sm text-muted">{run === null ? 'not started' : runs ? 'waiting' : 'waited'}</span>
    </p>
  );
}

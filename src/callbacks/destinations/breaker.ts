export type BreakerName = 'closed' | 'open' | 'half_open';

/** What is known about a destination. Times are by the database's clock. */
export interface Breaker {
  state: BreakerName;
  /** Failures in a row. */
  failures: number;
  /** Times that it opened since it was last closed. */
  openings: number;
  /** Since when it has not been closed. */
  openedAt: Date | null;
  /** Open: when it is probed. Half open: until when the probe has time. */
  openUntil: Date | null;
}

/** `probe`: somebody asks whether one attempt may be made to see how things stand. */
export type BreakerEvent = 'success' | 'failure' | 'probe';

/** Failures in a row that open it: more than one delivery's whole schedule, few enough to be over within seconds. */
export const FAILURES_TO_OPEN = 10;
/** It is probed after 2, 4, 8, … seconds. */
export const FIRST_OPEN_MS = 2_000;
export const LONGEST_OPEN_MS = 60_000;
/** A probe that is not heard of for so long has died with its process. The longest attempt takes 60 s. */
export const PROBE_PATIENCE_MS = 75_000;

export const CLOSED: Breaker = { state: 'closed', failures: 0, openings: 0, openedAt: null, openUntil: null };

/** Whether nothing is known against the destination. */
export function isPristine({ state, failures }: Breaker): boolean {
  return state === 'closed' && failures === 0;
}

/** Whether an attempt may be made now: freely, as the one probe, or not. */
export function admits({ state, openUntil }: Breaker, now: Date): 'all' | 'probe' | 'none' {
  if (state === 'closed') return 'all';
  return now.getTime() >= openUntil!.getTime() ? 'probe' : 'none';
}

/**
 * What follows from an event. A success closes it whenever it comes, since it shows that the destination answers. While it
 * is open further failures, of attempts that were under way, say nothing new; only that of the probe opens it for longer.
 */
export function breaker(before: Breaker, event: BreakerEvent, now: Date): Breaker {
  const { state, failures, openings } = before;
  if (event === 'success') return CLOSED;
  if (event === 'probe') {
    if (admits(before, now) !== 'probe') return before;
    return { ...before, state: 'half_open', openUntil: new Date(now.getTime() + PROBE_PATIENCE_MS) };
  }
  if (state === 'open') return { ...before, failures: failures + 1 };
  const isToOpen = state === 'half_open' || failures + 1 >= FAILURES_TO_OPEN;
  if (!isToOpen) return { ...before, failures: failures + 1 };
  const openMs = Math.min(FIRST_OPEN_MS * 2 ** Math.min(openings, 30), LONGEST_OPEN_MS);
  return {
    state: 'open',
    failures: failures + 1,
    openings: openings + 1,
    openedAt: before.openedAt ?? now,
    openUntil: new Date(now.getTime() + openMs),
  };
}

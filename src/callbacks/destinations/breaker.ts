export type BreakerName = 'closed' | 'open' | 'half_open';

/** The circuit breaker of a destination of an account (docs/state-machines.md). Times are by the database's clock. */
export interface Breaker {
  state: BreakerName;
  /** Consecutive failures. */
  failures: number;
  /** Number of openings since it was last closed. */
  openings: number;
  /** Start of the time in which it has not been closed. */
  openedAt: Date | null;
  /** Open: time of the next probe. Half open: timeout of the probe. */
  openUntil: Date | null;
}

/** `probe` is a request to send one attempt as a probe. */
export type BreakerEvent = 'success' | 'failure' | 'probe';

/** Consecutive failures that open a breaker: more than the retry schedule of one delivery. */
export const FAILURES_TO_OPEN = 10;
/** The first probe follows after 2 s, later ones after 4, 8, … s. */
export const FIRST_OPEN_MS = 2_000;
export const LONGEST_OPEN_MS = 60_000;
/** Timeout of a probe, after which its process is considered dead. The longest attempt takes 60 s. */
export const PROBE_PATIENCE_MS = 75_000;

/** From then on a probe is a time slice of attempts, so that each callback of a backlog gets its attempts. */
const LONG_FAILING_MS = 60_000;

export const CLOSED: Breaker = { state: 'closed', failures: 0, openings: 0, openedAt: null, openUntil: null };

/** Whether the breaker is as it would be without any event. */
export function isPristine({ state, failures }: Breaker): boolean {
  return state === 'closed' && failures === 0;
}

/** Whether the destination has failed long enough for its probes to be time slices instead of single attempts. */
export function isLongFailing({ openedAt }: Breaker, now: Date): boolean {
  return openedAt !== null && now.getTime() - openedAt.getTime() >= LONG_FAILING_MS;
}

/** Decides which attempts may be sent now: all, one as a probe, or none. */
export function admits({ state, openUntil }: Breaker, now: Date): 'all' | 'probe' | 'none' {
  if (state === 'closed') return 'all';
  return now.getTime() >= openUntil!.getTime() ? 'probe' : 'none';
}

/**
 * Applies an event. Any success closes the breaker, since it shows that the destination answers. While it is open, failures
 * of attempts in flight are only counted; a failure of the probe opens it for a longer time.
 * @returns The next state; the same object when nothing changes.
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

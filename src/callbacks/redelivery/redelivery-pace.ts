/** A callback that is to be sent again. */
export interface Candidate {
  id: string;
  destination: string;
}

/** The part of a page that may be scheduled now. Times are in milliseconds from now. */
export interface Paced {
  /** A prefix of the page, each with the time at which it becomes due. */
  scheduled: (Candidate & { inMs: number })[];
  /** When each destination of the prefix may get its next redelivery. */
  nextInMs: Map<string, number>;
  /** The time of the first callback that is too far ahead to be scheduled now; null if all are scheduled. */
  blockedInMs: number | null;
}

/**
 * Spreads redeliveries evenly over time (virtual scheduling, ITU-T I.371): each destination gets one every `intervalMs`.
 * @param page In the order in which they are sent again. The first one that is due after the horizon ends the prefix, so a job
 *   keeps its order.
 * @param nextInMs When each destination may get its next redelivery; absent if at once.
 * @param intervalMs 0 for no limit.
 * @param horizonMs How far ahead callbacks are scheduled.
 */
export function pacedPage(
  page: readonly Candidate[],
  nextInMs: ReadonlyMap<string, number>,
  intervalMs: number,
  horizonMs: number,
): Paced {
  const paced: Paced = { scheduled: [], nextInMs: new Map(), blockedInMs: null };
  for (const { id, destination } of page) {
    const inMs = Math.max(0, paced.nextInMs.get(destination) ?? nextInMs.get(destination) ?? 0);
    if (inMs > horizonMs) return { ...paced, blockedInMs: inMs };
    paced.scheduled.push({ id, destination, inMs });
    paced.nextInMs.set(destination, inMs + intervalMs);
  }
  return paced;
}

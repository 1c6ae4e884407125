/** An acknowledged request. All times are of one clock, in milliseconds. */
export interface Accepted {
  requestId: string;
  queuePosition: number;
  sentMs: number;
  acknowledgedMs: number;
}

/** A received callback. */
export interface Arrival {
  requestId: string;
  queuePosition: number;
  atMs: number;
}

/** Violations of the order. All three must be 0. */
export interface OrderFindings {
  /** Callbacks after one with a higher position, and positions below one that was acknowledged before the request was sent. */
  fifoInversions: number;
  /** Repeated callbacks and positions. */
  duplicates: number;
  /** Acknowledged requests without a callback. */
  lost: number;
}

/** Counts the violations in the history of one lane. */
export function checkOrder(accepted: Accepted[], arrivals: Arrival[]): OrderFindings {
  const called = new Set<string>();
  let highest = 0;
  let fifoInversions = acceptInversions(accepted);
  let duplicates = accepted.length - new Set(accepted.map(({ queuePosition }) => queuePosition)).size;
  for (const { requestId, queuePosition } of arrivals) {
    if (called.has(requestId)) {
      duplicates++;
      continue;
    }
    called.add(requestId);
    if (queuePosition < highest) fifoInversions++;
    highest = Math.max(highest, queuePosition);
  }
  const lost = accepted.filter(({ requestId }) => !called.has(requestId)).length;
  return { fifoInversions, duplicates, lost };
}

/** A request acknowledged before another was sent must have the lower position. Overlapping requests may have either order. */
function acceptInversions(accepted: Accepted[]): number {
  const acknowledged = [...accepted].sort((a, b) => a.acknowledgedMs - b.acknowledgedMs);
  let next = 0;
  let highest = 0;
  let inversions = 0;
  for (const { sentMs, queuePosition } of [...accepted].sort((a, b) => a.sentMs - b.sentMs)) {
    while (next < acknowledged.length && acknowledged[next]!.acknowledgedMs < sentMs) {
      highest = Math.max(highest, acknowledged[next++]!.queuePosition);
    }
    if (queuePosition < highest) inversions++;
  }
  return inversions;
}

/** A request that was acknowledged. Times are of one clock, in milliseconds. */
export interface Accepted {
  requestId: string;
  queuePosition: number;
  sentMs: number;
  acknowledgedMs: number;
}

/** A callback as it came in. */
export interface Arrival {
  requestId: string;
  queuePosition: number;
  atMs: number;
}

/** All three must be 0. */
export interface OrderFindings {
  /** Callbacks that came after one of a higher position, and positions lower than one given out before they were asked for. */
  fifoInversions: number;
  /** Callbacks that came again, and positions given out twice. */
  duplicates: number;
  /** Acknowledged, and never called back. */
  lost: number;
}

/** Pure: what a history of one lane has against it. */
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

/** Who was acknowledged before another was even sent stands before it. Those that overlap may stand either way. */
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

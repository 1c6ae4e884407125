import type { CallbackAttempt, CallbackState } from '../request-callbacks.js';
import type { RequestRecord } from '../request.entity.js';
import { deliveryTrace } from '../request.view.js';

/** One entry of the history of a request. */
export interface HistoryEvent {
  /** Names this entry, and no other one of the request. */
  id: string;
  type: 'accepted' | 'started' | 'completed' | 'failed' | 'cancelled' | 'attempt';
  data: object;
}

const ENDS = { COMPLETED: 'completed', FAILED: 'failed', CANCELLED: 'cancelled' } as const;

/**
 * Lists the history of a request in the order of its events. Of a request that ran again after a crash, the last start counts.
 * @param attempts Of its callback, oldest first. One in flight is left out until it ends, or until another one follows.
 */
export function requestHistory(
  row: RequestRecord,
  callback: CallbackState | undefined,
  attempts: CallbackAttempt[],
): HistoryEvent[] {
  const events: HistoryEvent[] = [
    { id: 'accepted', type: 'accepted', data: { at: row.createdAt.toISOString(), queue_position: row.queuePosition } },
  ];
  if (row.startedAt) {
    events.push({ id: 'started', type: 'started', data: { at: row.startedAt.toISOString() } });
  }
  const type = row.status in ENDS ? ENDS[row.status as keyof typeof ENDS] : null;
  if (type) {
    const data = { at: row.completedAt?.toISOString() ?? null, result_payload: row.resultPayload, error: row.error };
    events.push({ id: type, type, data });
  }
  const last = attempts.at(-1);
  const isInFlight = last?.success === null && callback?.status === 'PENDING';
  const ended = isInFlight ? attempts.slice(0, -1) : attempts;
  const traces = deliveryTrace(ended, callback);
  ended.forEach(({ attemptNumber }, index) =>
    events.push({ id: `attempt-${attemptNumber}`, type: 'attempt', data: traces[index]! }),
  );
  return events;
}

/** Whether nothing follows: the request has ended, and so has its callback. */
export function isOver(row: RequestRecord, callback: CallbackState | undefined): boolean {
  if (!(row.status in ENDS)) return false;
  return row.callbackUrl === null || (callback !== undefined && callback.status !== 'PENDING');
}

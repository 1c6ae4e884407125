import type { CallbackState } from '../../requests/request-callbacks.js';
import type { DeliveryStatus } from './callback-delivery.entity.js';

/** A delivery, and the breaker of its destination; the fields of a breaker that is closed are null. */
export interface DeliveryProgress {
  destination: string;
  status: DeliveryStatus;
  attempts: number;
  error: string | null;
  nextAttemptAt: Date;
  state: 'open' | 'half_open' | null;
  failures: number | null;
  openedAt: Date | null;
  openUntil: Date | null;
}

/** @returns The state of a callback for its owner: why it is not delivered, and when it is tried next. */
export function callbackState(delivery: DeliveryProgress): CallbackState {
  const { status, attempts, error, nextAttemptAt, openUntil } = delivery;
  if (status !== 'PENDING') return { status, attempts, error, nextAttemptAt: null };
  if (openUntil === null || openUntil <= nextAttemptAt) return { status, attempts, error, nextAttemptAt };
  return { status, attempts, error: waitingReason(delivery), nextAttemptAt: openUntil };
}

function waitingReason({ destination, state, failures, openedAt, error }: DeliveryProgress): string {
  const since = `${destination} has failed ${failures} times in a row, and its breaker is open since ${openedAt!.toISOString()}`;
  const next = state === 'open' ? 'It is tried again when the breaker lets a probe through' : 'A probe is in flight';
  return `${since}. ${next}${error === null ? '' : `. ${error}`}`;
}

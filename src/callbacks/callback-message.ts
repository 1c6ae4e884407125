import type { CallbackSigner } from './callback-signer.js';
import type { DueDelivery } from './delivery.store.js';

/** The words of a finished request's state on the wire. */
const STATUS = { COMPLETED: 'completed', FAILED: 'failed', CANCELLED: 'cancelled' } as const;

/** What goes over the wire in one attempt. */
export interface CallbackMessage {
  body: Buffer;
  headers: Record<string, string>;
}

/**
 * The message of an attempt. The body is made from the finished request alone, so every attempt sends the same bytes;
 * `webhook-id` stays, `webhook-timestamp` (seconds) is the attempt's, and `webhook-signature` is over both and the bytes
 * (Standard Webhooks 1.0.0).
 */
export function callbackMessage(
  delivery: DueDelivery,
  attemptNumber: number,
  now: Date,
  signer: Pick<CallbackSigner, 'signatures'>,
): CallbackMessage {
  const status = STATUS[delivery.requestStatus];
  const message = {
    type: `report.${status}`,
    timestamp: delivery.completedAt.toISOString(),
    request_id: delivery.requestId,
    status,
    queue_position: delivery.requestPosition,
    ...delivery.result,
    ...(delivery.error !== null && { error: delivery.error }),
  };
  const body = Buffer.from(JSON.stringify(message));
  const id = `msg_${delivery.id}`;
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  return {
    body,
    headers: {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signer.signatures(id, timestamp, body),
      'x-request-id': delivery.requestId,
      'x-attempt-number': String(attemptNumber),
    },
  };
}

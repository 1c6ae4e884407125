import type { CallbackSigner } from './callback-signer.js';
import type { DueDelivery } from './due.store.js';

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
  return {
    body,
    headers: {
      ...signedHeaders(delivery.id, now, body, signer),
      'x-request-id': delivery.requestId,
      'x-attempt-number': String(attemptNumber),
    },
  };
}

/** The three headers of Standard Webhooks; the signature is over all three parts of what is sent. */
function signedHeaders(
  deliveryId: string,
  now: Date,
  body: Buffer,
  signer: Pick<CallbackSigner, 'signatures'>,
): Record<string, string> {
  const id = `msg_${deliveryId}`;
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signer.signatures(id, timestamp, body),
  };
}

/** What a receiver is tried with; it looks like any callback and is about no request. */
export function pingMessage(id: string, now: Date, signer: Pick<CallbackSigner, 'signatures'>): CallbackMessage {
  const body = Buffer.from(JSON.stringify({ type: 'ping', timestamp: now.toISOString() }));
  return { body, headers: signedHeaders(id, now, body, signer) };
}

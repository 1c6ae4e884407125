import type { MessageSigner } from '../signing/callback-signer.js';
import type { DueDelivery } from '../leases/due-delivery.js';

/** The status of a request on the wire. */
const STATUS = { COMPLETED: 'completed', FAILED: 'failed', CANCELLED: 'cancelled' } as const;

const USER_AGENT = 'Daybook (callbacks)';

/** Body and headers of one attempt. */
export interface CallbackMessage {
  body: Buffer;
  /** All but `host`, `connection` and `content-length`. */
  headers: Record<string, string>;
}

/**
 * @returns The message of an attempt (Standard Webhooks 1.0.0). The body depends on the finished request only, so every attempt
 *   sends the same bytes under the same `webhook-id`. It names the account, which is signed with a secret of its own. `webhook-timestamp` is the time of the attempt, in seconds.
 */
export function callbackMessage(
  delivery: DueDelivery,
  attemptNumber: number,
  now: Date,
  signer: MessageSigner,
): CallbackMessage {
  const { request } = delivery;
  const status = STATUS[request.status];
  const message = {
    type: `report.${status}`,
    timestamp: request.completedAt.toISOString(),
    account: signer.account,
    request_id: request.id,
    status,
    queue_position: request.queuePosition,
    error: request.error ?? undefined,
  };
  const body = Buffer.from(withFields(message, request.result ?? '{}'));
  const headers = signedHeaders(delivery.id, now, body, signer);
  headers['x-request-id'] = delivery.requestId;
  headers['x-attempt-number'] = String(attemptNumber);
  return { body, headers };
}

/**
 * @returns JSON of an object with the fields of another, given as JSON text, appended. Parsing and serializing that text would
 *   take a tenth of the CPU time of an attempt.
 */
function withFields(object: object, fields: string): string {
  const text = JSON.stringify(object);
  return fields === '{}' ? text : `${text.slice(0, -1)},${fields.slice(1)}`;
}

/** The headers of every message. The signature covers id, timestamp and body. */
function signedHeaders(deliveryId: string, now: Date, body: Buffer, signer: MessageSigner): Record<string, string> {
  const id = `msg_${deliveryId}`;
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  return {
    Accept: '*/*',
    'Content-Type': 'application/json',
    'User-Agent': USER_AGENT,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signer.signatures(id, timestamp, body),
  };
}

/** @returns The message of a ping: a callback without a request. */
export function pingMessage(id: string, now: Date, signer: MessageSigner): CallbackMessage {
  const body = Buffer.from(JSON.stringify({ type: 'ping', timestamp: now.toISOString(), account: signer.account }));
  return { body, headers: signedHeaders(id, now, body, signer) };
}

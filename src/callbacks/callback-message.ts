import type { DueDelivery } from './delivery.store.js';

/** What goes over the wire in one attempt. */
export interface CallbackMessage {
  body: Buffer;
  headers: Record<string, string>;
}

/**
 * The message of an attempt. The body is made from the finished request alone, so every attempt sends the same bytes;
 * `webhook-id` stays, `webhook-timestamp` (seconds) is the attempt's (Standard Webhooks 1.0.0).
 */
export function callbackMessage(delivery: DueDelivery, attemptNumber: number, now: Date): CallbackMessage {
  const hasCompleted = delivery.requestStatus === 'COMPLETED';
  const body = {
    type: hasCompleted ? 'report.completed' : 'report.failed',
    timestamp: delivery.completedAt.toISOString(),
    request_id: delivery.requestId,
    status: hasCompleted ? 'completed' : 'failed',
    queue_position: delivery.requestPosition,
    ...(hasCompleted ? delivery.result : { error: delivery.error }),
  };
  return {
    body: Buffer.from(JSON.stringify(body)),
    headers: {
      'webhook-id': `msg_${delivery.id}`,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'x-request-id': delivery.requestId,
      'x-attempt-number': String(attemptNumber),
    },
  };
}

import { laneName } from '../platform/tenant.js';
import type { CallbackAttempt, CallbackState, CallbackTrace } from './request-callbacks.js';
import type { RequestRow } from './request.store.js';

/** The 202 of an async request. Made from the request alone, so that a repeat gives the same bytes. */
export function acknowledgement(request: {
  id: string;
  lane: string | null;
  queue_position: number | null;
  jobs_ahead_at_accept: number | null;
}): object {
  const { id, queue_position, jobs_ahead_at_accept } = request;
  const lane = request.lane && laneName(request.lane);
  return {
    request_id: id,
    status: 'pending',
    queue_position,
    jobs_ahead: jobs_ahead_at_accept,
    lane,
    message: `Accepted as number ${queue_position} of lane ${lane}; ${jobs_ahead_at_accept} before it.`,
  };
}

/** The 200 of a finished sync request. */
export function syncAnswer(requestId: string, result: Record<string, unknown>): object {
  return { request_id: requestId, mode: 'sync', status: 'completed', ...result };
}

/** The 202 of a sync request that outlasted the caller's patience. */
export function syncContinues(requestId: string): object {
  return {
    request_id: requestId,
    mode: 'sync',
    status: 'processing',
    message: 'Not ready within the time to wait; it goes on. Ask for it at the Location.',
  };
}

const UNKNOWN_END =
  'The attempt started and its end is not recorded: it is in flight, or its worker crashed and the receiver may have got it';

export function attemptView(attempt: CallbackAttempt): object {
  return {
    attempt_number: attempt.attemptNumber,
    trigger: attempt.trigger,
    ...traceView(attempt),
    next_attempt_at: attempt.nextAttemptAt?.toISOString() ?? null,
  };
}

/** The trace of an attempt to deliver a callback, or of a ping. */
export function traceView(trace: CallbackTrace): object {
  return {
    url: trace.url,
    dialled_address: trace.dialledAddress,
    request_headers: trace.requestHeaders,
    body_bytes: trace.bodyBytes,
    body_sha256: trace.bodySha256,
    status_code: trace.statusCode,
    response_headers: trace.responseHeaders,
    response_body: trace.responseBody,
    success: trace.success === true,
    error_kind: trace.errorKind,
    error_message: errorMessage(trace),
    outcome: trace.success === null ? 'unknown' : trace.success ? 'succeeded' : 'failed',
    timings: {
      dns_ms: hundredths(trace.dnsMs),
      connect_ms: hundredths(trace.connectMs),
      tls_ms: hundredths(trace.tlsMs),
      first_byte_ms: hundredths(trace.firstByteMs),
      total_ms: hundredths(trace.responseTimeMs),
    },
    response_time_ms: rounded(trace.responseTimeMs),
    attempted_at: trace.attemptedAt.toISOString(),
  };
}

/** The short form of an attempt that `callback-logs` lists. */
export function attemptLogView(attempt: CallbackAttempt): object {
  return {
    attempt_number: attempt.attemptNumber,
    status_code: attempt.statusCode,
    success: attempt.success === true,
    error_message: errorMessage(attempt),
    response_time_ms: rounded(attempt.responseTimeMs),
    attempted_at: attempt.attemptedAt.toISOString(),
  };
}

function errorMessage({ success, errorMessage: message }: CallbackTrace): string | null {
  return success === null ? UNKNOWN_END : message;
}

/** What the wire needs of a `real`, whose further digits are noise. */
function hundredths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

/** A request as the list and the detail show it. */
export function requestView(row: RequestRow, callback: CallbackState | undefined): Record<string, unknown> {
  return {
    id: row.id,
    mode: row.mode,
    status: row.status,
    report: row.report,
    lane: row.lane && laneName(row.lane),
    input_payload: row.input_payload,
    result_payload: row.result_payload,
    error: row.error,
    callback_url: row.callback_url,
    callback_status: row.callback_url === null ? null : (callback?.status ?? 'PENDING'),
    callback_attempts: callback?.attempts ?? 0,
    idempotency_key: row.idempotency_key,
    queue_position: row.queue_position,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    completed_at: row.completed_at?.toISOString() ?? null,
  };
}

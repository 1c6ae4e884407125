import { laneName } from '../platform/tenant.js';
import type { CallbackAttempt, CallbackState, CallbackTrace } from './request-callbacks.js';
import type { RequestRecord } from './request.entity.js';

/** The 202 response to an async request. Rendered from the request alone, so that a replay has the same bytes. */
export function acknowledgement(
  request: Pick<RequestRecord, 'id' | 'lane' | 'queuePosition' | 'jobsAheadAtAccept'>,
): object {
  const { id, queuePosition, jobsAheadAtAccept } = request;
  const lane = request.lane && laneName(request.lane);
  return {
    request_id: id,
    status: 'pending',
    queue_position: queuePosition,
    jobs_ahead: jobsAheadAtAccept,
    lane,
    message: `Accepted at position ${queuePosition} of lane ${lane}; ${jobsAheadAtAccept} unfinished before it.`,
  };
}

/** The 200 response to a sync request. */
export function syncAnswer(requestId: string, result: Record<string, unknown>): object {
  return { request_id: requestId, mode: 'sync', status: 'completed', ...result };
}

/** The 202 response to a sync request that was not ready within the time that its caller waits. */
export function syncContinues(requestId: string): object {
  return {
    request_id: requestId,
    mode: 'sync',
    status: 'processing',
    message: 'The report was not ready in time and continues in the background. Get it at the Location.',
  };
}

const UNKNOWN_END =
  'The attempt started and its end is not recorded: it is in flight, or its worker crashed and the receiver may have got it';

/** The trace of a callback. A retry that was scheduled does not follow when the callback has ended otherwise. */
export function deliveryTrace(attempts: CallbackAttempt[], callback: CallbackState | undefined): object[] {
  return attempts.map((attempt, index) => {
    const isLast = index === attempts.length - 1 && callback?.status !== 'PENDING';
    return attemptView(isLast ? { ...attempt, nextAttemptAt: null } : attempt);
  });
}

function attemptView(attempt: CallbackAttempt): object {
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

/** Rounds a `real`, whose further digits are noise. */
function hundredths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

/** Why a callback is not delivered, and when it is tried next. */
export function callbackProgress(callback: CallbackState | undefined): object {
  return {
    callback_error: callback?.error ?? null,
    callback_next_attempt_at: callback?.nextAttemptAt?.toISOString() ?? null,
  };
}

/** A request as the list and the detail show it. An unfinished request has no callback state yet: it is pending. */
export function requestView(
  row: RequestRecord,
  callback: CallbackState | undefined,
): { id: string } & Record<string, unknown> {
  return {
    id: row.id,
    mode: row.mode,
    status: row.status,
    report: row.report,
    lane: row.lane && laneName(row.lane),
    input_payload: row.inputPayload,
    result_payload: row.resultPayload,
    error: row.error,
    callback_url: row.callbackUrl,
    callback_status: row.callbackUrl === null ? null : (callback?.status ?? 'PENDING'),
    ...callbackProgress(callback),
    callback_attempts: callback?.attempts ?? 0,
    idempotency_key: row.idempotencyKey,
    queue_position: row.queuePosition,
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    completed_at: row.completedAt?.toISOString() ?? null,
  };
}

import { laneName } from '../platform/tenant.js';
import type { AttemptRow, RequestRow, TraceRow } from './request.store.js';

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

const BEGUN =
  'The attempt was begun, and how it ended is not on record: it is under way, or its process died and the receiver may have it';

export function attemptView(attempt: AttemptRow): object {
  const { next_attempt_at, ...trace } = attempt;
  return { ...traceView(trace), next_attempt_at: next_attempt_at?.toISOString() ?? null };
}

/** What an attempt did and saw, whether it was at a request's callback or at a ping. */
export function traceView(row: TraceRow): object {
  const { attempted_at, dns_ms, connect_ms, tls_ms, first_byte_ms, response_time_ms, ...rest } = row;
  return {
    ...rest,
    outcome: row.success === null ? 'unknown' : row.success ? 'succeeded' : 'failed',
    success: row.success === true,
    error_message: errorMessage(row),
    timings: {
      dns_ms: hundredths(dns_ms),
      connect_ms: hundredths(connect_ms),
      tls_ms: hundredths(tls_ms),
      first_byte_ms: hundredths(first_byte_ms),
      total_ms: hundredths(response_time_ms),
    },
    response_time_ms: rounded(response_time_ms),
    attempted_at: attempted_at.toISOString(),
  };
}

/** The short form of an attempt that `callback-logs` lists. */
export function attemptLogView(attempt: AttemptRow): object {
  return {
    attempt_number: attempt.attempt_number,
    status_code: attempt.status_code,
    success: attempt.success === true,
    error_message: errorMessage(attempt),
    response_time_ms: rounded(attempt.response_time_ms),
    attempted_at: attempt.attempted_at.toISOString(),
  };
}

function errorMessage({ success, error_message }: TraceRow): string | null {
  return success === null ? BEGUN : error_message;
}

/** What the wire needs of a `real`, whose further digits are noise. */
function hundredths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

/** A request as the list and the detail show it. */
export function requestView(row: RequestRow): Record<string, unknown> {
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
    callback_status: callbackStatus(row),
    callback_attempts: row.delivery_attempts ?? 0,
    idempotency_key: row.idempotency_key,
    queue_position: row.queue_position,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    completed_at: row.completed_at?.toISOString() ?? null,
  };
}

/** The delivery's own status; before there is one, a callback that will be owed is pending. */
function callbackStatus(row: RequestRow): 'PENDING' | 'SUCCESS' | 'FAILED' | null {
  if (row.callback_url === null) return null;
  return row.delivery_status ?? 'PENDING';
}

import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { DaybookError } from '../../platform/errors.js';
import { InvalidInput } from '../../http/validation.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A problem detail (RFC 9457) with this API's extension members. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: { path: string; message: string }[];
  request_id?: string;
  /** Of an event that has fewer tickets left than a booking needs. */
  tickets_left?: number;
}

/** Problem types that are registered with IANA (RFC 9457 section 4.2). */
const IANA = 'https://iana.org/assignments/http-problem-types#';
const CAPACITY = `${IANA}temporary-reduced-capacity`;

/** The status and problem type of each error code. Nothing else in the service maps errors to HTTP. */
const PROBLEMS: Record<string, { status: number; type?: string }> = {
  unauthenticated: { status: 401 },
  'login-failed': { status: 401 },
  'refresh-refused': { status: 401 },
  'wrong-password': { status: 403 },
  'role-required': { status: 403 },
  'registration-off': { status: 403 },
  'user-email-taken': { status: 409 },
  'reset-refused': { status: 400 },
  'passwords-busy': { status: 503, type: CAPACITY },
  'insufficient-scope': { status: 403 },
  'authentication-off': { status: 403 },
  'operators-only': { status: 403 },
  'seeding-off': { status: 403 },
  'foreign-origin': { status: 403 },
  'foreign-host': { status: 421 },
  'not-found': { status: 404 },
  'api-key-ended': { status: 409 },
  'request-unfinished': { status: 409 },
  'too-many-streams': { status: 429 },
  'streams-busy': { status: 503, type: CAPACITY },
  'request-not-pending': { status: 409 },
  'no-callback-due': { status: 409 },
  'redelivery-not-found': { status: 404 },
  'redelivery-ended': { status: 409 },
  'redelivery-too-large': { status: 422 },
  'bulk-too-large': { status: 422 },
  'too-many-redeliveries': { status: 409 },
  'url-not-disabled': { status: 404 },
  'too-many-callback-secrets': { status: 409 },
  'callback-secrets-busy': { status: 409 },
  'benchmark-busy': { status: 409 },
  'benchmark-ended': { status: 409 },
  'benchmark-cancelled': { status: 409 },
  'benchmark-failed': { status: 500 },
  'simulated-failure': { status: 500 },
  'lane-full': { status: 503, type: CAPACITY },
  'account-backlog-full': { status: 503, type: CAPACITY },
  'storage-quota-exceeded': { status: 507 },
  'report-over-quota': { status: 507 },
  'disk-low': { status: 503, type: CAPACITY },
  'account-busy': { status: 503, type: CAPACITY },
  'search-busy': { status: 503, type: CAPACITY },
  'bulk-busy': { status: 503, type: CAPACITY },
  overloaded: { status: 503, type: CAPACITY },
  'sync-busy': { status: 503, type: CAPACITY },
  'pool-full': { status: 503, type: CAPACITY },
  'pings-busy': { status: 503, type: CAPACITY },
  'pool-closed': { status: 503 },
  'database-unavailable': { status: 503 },
  'storage-unavailable': { status: 503 },
  'percent-encoding-invalid': { status: 400 },
  'idempotency-key-invalid': { status: 400 },
  'idempotency-key-reused': { status: 422 },
  'idempotency-key-in-progress': { status: 409 },
  'report-failed': { status: 500 },
  'callback-url-refused': { status: 400 },
  'customer-not-found': { status: 404 },
  'email-taken': { status: 409 },
  'customer-in-use': { status: 409 },
  'order-not-found': { status: 404 },
  'order-move-refused': { status: 409 },
  'external-ref-taken': { status: 409 },
  'version-mismatch': { status: 412 },
  'entry-not-found': { status: 404 },
  'entry-not-reversible': { status: 409 },
  'period-closed': { status: 409 },
  'too-many-balances': { status: 409 },
  'import-not-found': { status: 404 },
  'import-dropped': { status: 400 },
  'import-stalled': { status: 408 },
  'import-stopped': { status: 503 },
  'imports-busy': { status: 503, type: CAPACITY },
  'event-not-found': { status: 404 },
  'event-not-own': { status: 403 },
  'event-cancelled': { status: 409 },
  'event-past': { status: 409 },
  'tickets-already-sold': { status: 409 },
  'currency-fixed': { status: 409 },
  'booking-not-found': { status: 404 },
  'booking-cancelled': { status: 409 },
  'sold-out': { status: 409 },
  'board-not-found': { status: 404 },
  'job-not-retriable': { status: 409 },
  'mail-not-found': { status: 404 },
  'mail-sent': { status: 409 },
  'schedule-not-found': { status: 404 },
  'too-many-schedules': { status: 409 },
  'schedule-busy': { status: 409 },
  'quota-exceeded': { status: 429, type: `${IANA}quota-exceeded` },
};

/** `Retry-After` of a 503 whose error has no time of its own, in seconds. */
const DEFAULT_RETRY_AFTER_S = 5;

/**
 * Converts any error to a problem.
 * @param instance The path of the request.
 * @returns The problem and, for errors that pass, the seconds after which to retry.
 */
export function problemOf(error: unknown, instance: string): { problem: Problem; retryAfterS?: number } {
  if (error instanceof InvalidInput) return { problem: invalidInput(error, instance) };
  if (error instanceof DaybookError && PROBLEMS[error.code]) return expected(error, instance);
  if (error instanceof HttpException) return { problem: plainProblem(error.getStatus(), error.message, instance) };
  // The message of an unexpected error may contain SQL, paths or data, so only the log gets it.
  return { problem: plainProblem(500, 'An unexpected error. It has been logged under this request id.', instance) };
}

function expected(error: DaybookError, instance: string): { problem: Problem; retryAfterS?: number } {
  const { status, type = `urn:daybook:problem:${error.code}` } = PROBLEMS[error.code]!;
  const retryAfterS = error.retryAfterS ?? (status === 503 ? DEFAULT_RETRY_AFTER_S : undefined);
  const problem: Problem = { ...plainProblem(status, error.message, instance), type };
  if (error.path !== undefined) problem.errors = [{ path: error.path, message: error.message }];
  if ('requestId' in error) problem.request_id = String(error.requestId);
  if ('ticketsLeft' in error) problem.tickets_left = Number(error.ticketsLeft);
  return { problem, retryAfterS };
}

/** A problem without a type of its own: its meaning is that of its status (RFC 9457, section 4.2.1). */
export function plainProblem(status: number, detail: string, instance: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, instance };
}

/** Lists every issue with its path; the detail repeats the first. */
function invalidInput({ issues, where }: InvalidInput, instance: string): Problem {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const detail = `The ${where} is not valid: ${first?.path ? `${first.path}: ` : ''}${first?.message}${more}`;
  return { ...plainProblem(422, detail, instance), errors: issues };
}

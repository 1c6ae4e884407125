import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { DaybookError } from '../../platform/errors.js';
import { InvalidInput } from '../../http/validation.js';

/** RFC 9457, with the members that this API adds. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: { path: string; message: string }[];
  request_id?: string;
}

/** Problem types that are registered with IANA (RFC 9457 section 4.2). */
const IANA = 'https://iana.org/assignments/http-problem-types#';
const CAPACITY = `${IANA}temporary-reduced-capacity`;

/** What each expected failure is in HTTP: the only place that knows. */
const PROBLEMS: Record<string, { status: number; type?: string }> = {
  unauthenticated: { status: 401 },
  'insufficient-scope': { status: 403 },
  'authentication-off': { status: 403 },
  'foreign-origin': { status: 403 },
  'foreign-host': { status: 421 },
  'not-found': { status: 404 },
  'api-key-ended': { status: 409 },
  'request-unfinished': { status: 409 },
  'request-not-pending': { status: 409 },
  'no-callback-owed': { status: 409 },
  'redelivery-not-found': { status: 404 },
  'redelivery-ended': { status: 409 },
  'redelivery-too-large': { status: 422 },
  'too-many-redeliveries': { status: 409 },
  'url-not-disabled': { status: 404 },
  'too-many-callback-secrets': { status: 409 },
  'callback-secrets-busy': { status: 409 },
  'benchmark-busy': { status: 409 },
  'benchmark-ended': { status: 409 },
  'benchmark-cancelled': { status: 409 },
  'benchmark-failed': { status: 500 },
  'lane-full': { status: 503, type: CAPACITY },
  overloaded: { status: 503, type: CAPACITY },
  'sync-busy': { status: 503, type: CAPACITY },
  'pool-full': { status: 503, type: CAPACITY },
  'pings-busy': { status: 503, type: CAPACITY },
  'pool-closed': { status: 503 },
  'database-unavailable': { status: 503 },
  'storage-unavailable': { status: 503 },
  'idempotency-key-invalid': { status: 400 },
  'idempotency-key-reused': { status: 422 },
  'idempotency-key-in-progress': { status: 409 },
  'report-failed': { status: 500 },
  'callback-url-refused': { status: 400 },
  'quota-exceeded': { status: 429, type: `${IANA}quota-exceeded` },
};

/** Wait for what tells no time itself, in seconds. */
const DEFAULT_RETRY_AFTER_S = 5;

/** An error as a problem, and when to come back, if that makes sense. */
export function problemOf(error: unknown, instance: string): { problem: Problem; retryAfterS?: number } {
  if (error instanceof InvalidInput) return { problem: invalidInput(error, instance) };
  if (error instanceof DaybookError && PROBLEMS[error.code]) return expected(error, instance);
  if (error instanceof HttpException) return { problem: plain(error.getStatus(), error.message, instance) };
  const parserProblem = bodyParserProblem(error, instance);
  if (parserProblem) return { problem: parserProblem };
  // Whatever this is, its message may hold SQL, paths or data: it goes to the log, not to the caller.
  return { problem: plain(500, 'An unexpected error. It has been logged under this request id.', instance) };
}

function expected(error: DaybookError, instance: string): { problem: Problem; retryAfterS?: number } {
  const { status, type = `urn:daybook:problem:${error.code}` } = PROBLEMS[error.code]!;
  const retryAfterS = error.retryAfterS ?? (status === 503 ? DEFAULT_RETRY_AFTER_S : undefined);
  const problem: Problem = { ...plain(status, error.message, instance), type };
  if (error.path !== undefined) problem.errors = [{ path: error.path, message: error.message }];
  if ('requestId' in error) problem.request_id = String(error.requestId);
  return { problem, retryAfterS };
}

function plain(status: number, detail: string, instance: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, instance };
}

/** All that is wrong, each with the place where it is wrong. */
function invalidInput({ issues, where }: InvalidInput, instance: string): Problem {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const detail = `The ${where} is not valid: ${first?.path ? `${first.path}: ` : ''}${first?.message}${more}`;
  return { ...plain(422, detail, instance), errors: issues };
}

const UNREADABLE = 'The body is not compressed as its Content-Encoding says';

/** What express' body parser refuses carries a type of its own. */
function bodyParserProblem(error: unknown, instance: string): Problem | null {
  if (!(error instanceof Error) || !('status' in error)) return null;
  // zlib's own errors: what was sent is not compressed, or not in the way that Content-Encoding says.
  if (!('type' in error)) return error.status === 400 && 'errno' in error ? plain(400, UNREADABLE, instance) : null;
  if (error.type === 'entity.parse.failed') return plain(400, 'The body is not valid JSON', instance);
  if (error.type === 'entity.too.large') {
    const limit = 'limit' in error ? ` of ${String(error.limit)} bytes` : '';
    return plain(413, `The body is over the limit${limit}`, instance);
  }
  const status = Number(error.status);
  return status >= 400 && status < 500 ? plain(status, error.message, instance) : null;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DaybookError } from '../errors.js';
import { logOnce } from '../observability/log-once.js';

/** Postgres is unreachable or shutting down. The operation may be retried. */
export class DatabaseUnavailable extends DaybookError {
  readonly code = 'database-unavailable';
  override readonly retryAfterS = 5;
  constructor(cause: unknown) {
    super('The database cannot be reached right now. Try again shortly.', { cause });
  }
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EPIPE',
  'EAI_AGAIN',
  'ENOENT',
]);

/** Whether an error means that the server is unavailable (SQLSTATE classes 08, 53 and 57P, and errors of the socket). */
export function isConnectionError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  if (CONNECTION_CODES.has(code) || /^(08|53|57P)/.test(code)) return true;
  return /Connection terminated|is not queryable|timeout exceeded when trying to connect|connection timeout/i.test(
    error.message,
  );
}

/** Whether a value caused an error (SQLSTATE classes 22 and 23), and not the statement or the server. */
export function isDataError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code));
}

const logOutage = logOnce(new Logger('Database'), 'Postgres is unavailable');

/** Maps the error of a statement: an outage becomes {@link DatabaseUnavailable}, any other error is returned unchanged. */
export function mapOutage(error: unknown): unknown {
  if (!isConnectionError(error)) return error;
  logOutage(error);
  return new DatabaseUnavailable(error);
}

/** How long a completed piece of work is kept for a database that is unavailable. Afterwards it is done again later. */
const OUTAGE_LIMIT_MS = 60_000;
const OUTAGE_RETRY_MS = 250;

/**
 * Repeats a write for up to a minute while the server is unavailable. The write must be idempotent: the connection can also
 * break between the commit and its confirmation.
 */
export async function throughOutage<T>(write: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + OUTAGE_LIMIT_MS;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      const isOutage = error instanceof DatabaseUnavailable || isConnectionError(error);
      if (!isOutage || performance.now() > giveUpAtMs) throw error;
      await sleep(OUTAGE_RETRY_MS);
    }
  }
}

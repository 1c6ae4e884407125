import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DaybookError } from '../errors.js';
import { logOnce } from '../observability/log-once.js';
import { type OutageCause, outageCause } from './outage-cause.js';

/** The message for callers. The log has the error of the server. */
const MESSAGES: Partial<Record<OutageCause, string>> = {
  'read-only': 'The database is read-only right now, as during a failover.',
  timeout: 'The database did not answer in time.',
  locked: 'The database did not answer in time.',
  conflict: 'Too many changes met in the database.',
};

/** Postgres cannot serve the statement now. It had no effect, or its effect is unknown; it may be repeated. */
export class DatabaseUnavailable extends DaybookError {
  readonly code = 'database-unavailable';
  override readonly retryAfterS = 5;
  constructor(
    cause: unknown,
    readonly reason: OutageCause = outageCause(cause) ?? 'unreachable',
  ) {
    super(`${MESSAGES[reason] ?? 'The database cannot be reached right now.'} Try again shortly.`, { cause });
  }
}

/** The cause of an error of a statement, mapped or not; null if it is not an outage. */
const causeOf = (error: unknown): OutageCause | null =>
  error instanceof DatabaseUnavailable ? error.reason : outageCause(error);

/** Whether an error means that the server cannot serve statements now. */
export function isOutage(error: unknown): error is Error {
  return causeOf(error) !== null;
}

/** Whether a start should wait for the server: not when it refuses the user, the database or the certificate. */
export function isWorthWaitingFor(error: unknown): boolean {
  const cause = causeOf(error);
  return cause !== null && cause !== 'refused';
}

/** Whether a value caused an error (SQLSTATE classes 22 and 23), and not the statement or the server. */
export function isDataError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code));
}

const logger = new Logger('Database');
const logOutage = new Map<OutageCause, (error: Error) => void>();

/** Maps the error of a statement: an outage becomes {@link DatabaseUnavailable}, any other error is returned unchanged. */
export function asOutage(error: unknown): unknown {
  const cause = outageCause(error);
  return cause === null ? error : new DatabaseUnavailable(error, cause);
}

/** As {@link asOutage}, for an error that is not retried here: an outage is logged. */
export function mapOutage(error: unknown): unknown {
  const mapped = asOutage(error);
  if (!(mapped instanceof DatabaseUnavailable)) return mapped;
  const { reason, cause } = mapped;
  if (!logOutage.has(reason)) logOutage.set(reason, logOnce(logger, `Postgres is unavailable (${reason})`));
  logOutage.get(reason)!(cause as Error);
  return mapped;
}

/** Causes after which Postgres has certainly undone the statement or transaction, and which a repetition may avoid. */
const REPEATABLE: ReadonlySet<OutageCause | null> = new Set<OutageCause | null>(['conflict', 'stale-statement']);
/** A conflict that remains after these tries is an outage: the caller gets 503, a worker tries again later. */
const TRIES = 4;
/** Pause before the second try; it doubles, and varies by half so that opponents do not meet again. */
const PAUSE_MS = 10;

/**
 * Runs a statement or a whole transaction, and again when Postgres has undone it because of others: a serialization
 * failure, a deadlock, a prepared statement that is gone.
 * @throws The error of the last try.
 */
export async function throughConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await run();
    } catch (error) {
      if (tried === TRIES || !REPEATABLE.has(causeOf(error))) throw error;
      await sleep(PAUSE_MS * 2 ** (tried - 1) * (0.5 + Math.random()));
    }
  }
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
      if (!isOutage(error) || performance.now() > giveUpAtMs) throw error;
      await sleep(OUTAGE_RETRY_MS);
    }
  }
}

/** An expected failure that is reported to the caller. Only the problem filter translates it to HTTP. */
export abstract class DaybookError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterS?: number;
  /** The field that caused the failure: field names and indexes, joined by dots. */
  readonly path?: string;
  /** Whether the request had changed something before it failed. Without it, an error of the service (5xx) may have. */
  readonly hadEffect?: boolean;
}

/**
 * A limit refused the request before anything was written. Repeats under a used idempotency key are still answered, because
 * they cost nothing.
 */
export abstract class LimitReached extends DaybookError {
  override readonly hadEffect = false;
}

/** The process cannot start. The message is one line and gives the reason. */
export class StartError extends Error {}

/** An expected failure that is reported to the caller. Only the problem filter translates it to HTTP. */
export abstract class DaybookError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterS?: number;
  /** The field that caused the failure: field names and indexes, joined by dots. */
  readonly path?: string;
  /** Whether the request had changed something before it failed, so that the action log records it. */
  readonly hadEffect?: boolean;
}

/** The process cannot start. The message is one line and gives the reason. */
export class StartError extends Error {}

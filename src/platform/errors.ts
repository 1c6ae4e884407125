/** A failure that is expected and that a caller is told about. Only the problem filter knows what it is in HTTP. */
export abstract class DaybookError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;
  /** When it makes sense to come back, in seconds. */
  readonly retryAfterS?: number;
  /** The field at fault, as field names and indexes joined by dots. */
  readonly path?: string;
}

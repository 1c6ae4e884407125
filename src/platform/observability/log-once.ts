import type { Logger } from '@nestjs/common';

/** Interval at which a repeated failure is logged. */
const LOG_EVERY_MS = 60_000;

/** Returns a function that logs errors as warnings, at most one a minute. */
export function logOnce(logger: Logger, message: string): (error: Error) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    const now = performance.now();
    if (now - loggedAt < LOG_EVERY_MS) return;
    loggedAt = now;
    logger.warn(`${message}: ${error.message}`);
  };
}

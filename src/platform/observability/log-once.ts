import type { Logger } from '@nestjs/common';

/** A fault that repeats with every try is logged once in so long a time. */
const LOG_EVERY_MS = 60_000;

/** Gives a function that logs what it hears, but not every time. */
export function logOnce(logger: Logger, message: string): (error: Error) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    const now = performance.now();
    if (now - loggedAt < LOG_EVERY_MS) return;
    loggedAt = now;
    logger.warn(`${message}: ${error.message}`);
  };
}

import { AsyncResource } from 'node:async_hooks';
import type { RequestHandler } from 'express';

/**
 * Express middleware: requests that were read in one turn of the event loop go on together at its end, in their order and
 * each in its own async context. So each step is taken for all of them while its code is in the processor's caches
 * (decision 18).
 */
export function inStep(): RequestHandler {
  let waiting: (() => void)[] = [];
  const goOn = (): void => {
    const together = waiting;
    waiting = [];
    // Express' `next` does not throw.
    for (const next of together) next();
  };
  return (_request, _response, next) => {
    const context = new AsyncResource('InStep');
    if (waiting.push(() => context.runInAsyncScope(next)) === 1) setImmediate(goOn);
  };
}

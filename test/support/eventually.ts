import { setTimeout as sleep } from 'node:timers/promises';

type Truthy<T> = Exclude<T, false | null | 0 | ''>;

/**
 * Repeats `check` until it returns a truthy value, and returns that value. A check that returns undefined succeeds if
 * it called `expect` and no assertion failed.
 * @throws the last error of `check` after the timeout.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 20_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Truthy<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const expectsBefore = expect.getState().assertionCalls;
    let failure: unknown;
    try {
      const result = await check();
      const hasExpected = expect.getState().assertionCalls > expectsBefore;
      if (result || (result === undefined && hasExpected)) return result as Truthy<T>;
      failure = new Error(`Still ${String(result)} after ${timeoutMs} ms: ${check.toString()}`);
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) throw failure;
    await sleep(everyMs);
  }
}

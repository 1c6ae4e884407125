import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { withTimeout } from './timeout.js';

/** Blocks the event loop of this thread. */
const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const never = new Promise<never>(() => undefined);

describe('withTimeout', () => {
  let echo: ChildProcessWithoutNullStreams;
  beforeAll(() => void (echo = spawn('cat')));
  afterAll(async () => {
    echo.stdin.end();
    await once(echo, 'close');
  });

  it('settles as the promise does, without calling late()', async () => {
    const late = jest.fn();
    expect(await withTimeout(Promise.resolve('in time'), 1_000, late)).toBe('in time');
    await expect(withTimeout(Promise.reject(new Error('its own')), 1_000, late)).rejects.toThrow('its own');
    expect(late).not.toHaveBeenCalled();
  });

  it('settles as late() does after the timeout, by default with an error', async () => {
    expect(await withTimeout(never, 10, () => 'late')).toBe('late');
    await expect(withTimeout(never, 10)).rejects.toThrow('no answer within 10 ms');
  });

  it('ignores a promise that rejects after the timeout', async () => {
    const failing = sleep(30).then(() => Promise.reject(new Error('too late to matter')));
    expect(await withTimeout(failing, 5, () => 'late')).toBe('late');
    await sleep(60);
  });

  it('accepts a promise that settled in time while the event loop was blocked', async () => {
    // The last phase of a turn of the event loop is followed by the timers of the next one.
    await setImmediate();
    const answered = once(echo.stdout, 'data');
    echo.stdin.write('answer');
    const wanted = withTimeout(answered, 100);
    block(400);
    expect(await wanted).toEqual([Buffer.from('answer')]);
  });
});

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { withTimeout } from './timeout.js';

/** Holds this thread's event loop up. */
const holdUp = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const never = new Promise<never>(() => undefined);

describe('a promise that is wanted in time', () => {
  let echo: ChildProcessWithoutNullStreams;
  beforeAll(() => void (echo = spawn('cat')));
  afterAll(async () => {
    echo.stdin.end();
    await once(echo, 'close');
  });

  it('gives its value or its error, and asks for no other', async () => {
    const late = jest.fn();
    expect(await withTimeout(Promise.resolve('in time'), 1_000, late)).toBe('in time');
    await expect(withTimeout(Promise.reject(new Error('its own')), 1_000, late)).rejects.toThrow('its own');
    expect(late).not.toHaveBeenCalled();
  });

  it('that is late gives what there is in its place, or that there was no answer', async () => {
    expect(await withTimeout(never, 10, () => 'late')).toBe('late');
    await expect(withTimeout(never, 10)).rejects.toThrow('no answer within 10 ms');
  });

  it('may reject later without anybody noticing', async () => {
    const failing = sleep(30).then(() => Promise.reject(new Error('too late to matter')));
    expect(await withTimeout(failing, 5, () => 'late')).toBe('late');
    await sleep(60);
  });

  it('has come in time when only its reader was held up', async () => {
    // After what runs last in a turn of the event loop comes what runs first in the next one: timers.
    await setImmediate();
    const answered = once(echo.stdout, 'data');
    echo.stdin.write('answer');
    const wanted = withTimeout(answered, 100);
    holdUp(400);
    expect(await wanted).toEqual([Buffer.from('answer')]);
  });
});

import { describe, expect, it, jest } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { CallbackAttempt } from './callback-attempt.js';

const REQUEST = {
  url: new URL('http://receiver.example/hook'),
  method: 'POST',
  headers: {},
  body: Buffer.from('{}'),
  account: null,
};

function controller(): { abort: jest.Mock; given: Dispatcher.DispatchController } {
  const abort = jest.fn();
  return { abort, given: { abort } as unknown as Dispatcher.DispatchController };
}

describe('an attempt that gets a connection', () => {
  it('is not sent after the process was paused for longer than the timeout', async () => {
    const attempt = new CallbackAttempt(REQUEST, 20);
    const { abort, given } = controller();
    const resumesAtMs = performance.now() + 40;
    while (performance.now() < resumesAtMs); // Blocks the timers, as a paused process does.
    attempt.onRequestStart(given);
    expect(abort).toHaveBeenCalledTimes(1);
    await expect(attempt.response).rejects.toMatchObject({ kind: 'timeout', trace: { status: null } });
  });

  it('is not sent after a pause between the check of the lease and the attempt', async () => {
    const attempt = new CallbackAttempt(REQUEST, 1_000, performance.now() - 2_000);
    const { abort, given } = controller();
    attempt.onRequestStart(given);
    expect(abort).toHaveBeenCalledTimes(1);
    await expect(attempt.response).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('is sent before the timeout', async () => {
    const attempt = new CallbackAttempt(REQUEST, 60_000);
    const { abort, given } = controller();
    attempt.onRequestStart(given);
    attempt.onResponseStart(given, 204, {});
    attempt.onResponseEnd();
    expect(abort).not.toHaveBeenCalled();
    await expect(attempt.response).resolves.toMatchObject({ status: 204 });
  });
});

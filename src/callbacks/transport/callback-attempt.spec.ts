import { describe, expect, it, jest } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { CallbackAttempt } from './callback-attempt.js';

const REQUEST = { url: new URL('http://receiver.example/hook'), method: 'POST', headers: {}, body: Buffer.from('{}') };

function controller(): { abort: jest.Mock; given: Dispatcher.DispatchController } {
  const abort = jest.fn();
  return { abort, given: { abort } as unknown as Dispatcher.DispatchController };
}

describe('an attempt that gets its connection', () => {
  it('after the process was stopped for longer than the deadline is not sent', async () => {
    const attempt = new CallbackAttempt(REQUEST, 20);
    const { abort, given } = controller();
    const goOnAtMs = performance.now() + 40;
    while (performance.now() < goOnAtMs); // No timer runs meanwhile, as when the process is stopped.
    attempt.onRequestStart(given);
    expect(abort).toHaveBeenCalledTimes(1);
    await expect(attempt.response).rejects.toMatchObject({ kind: 'timeout', trace: { status: null } });
  });

  it('in time is sent', async () => {
    const attempt = new CallbackAttempt(REQUEST, 60_000);
    const { abort, given } = controller();
    attempt.onRequestStart(given);
    attempt.onResponseStart(given, 204, {});
    attempt.onResponseEnd();
    expect(abort).not.toHaveBeenCalled();
    await expect(attempt.response).resolves.toMatchObject({ status: 204 });
  });
});

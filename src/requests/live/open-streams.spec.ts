import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { AccountId } from '../../platform/tenant.js';
import { StreamsBusy, TooManyStreams } from './live.errors.js';
import { OpenStreams } from './open-streams.js';

const LIFE_MS = 300_000;

let streams: OpenStreams;
beforeEach(() => {
  jest.useFakeTimers();
  streams = new OpenStreams();
});
afterEach(() => {
  streams.onModuleDestroy();
  jest.useRealTimers();
});

/** Opens a stream that ends with its signal. */
function open(id: string, account: AccountId = null) {
  let close = (): void => undefined;
  let ended = false;
  const run = streams.run({ id, account }, (signal) => {
    const closed = new Promise<void>((resolve) => (close = resolve));
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve());
    });
    return Promise.race([closed, aborted]);
  });
  const over = run.then(() => void (ended = true));
  return { close: () => close(), over, isEnded: () => ended };
}

describe('OpenStreams', () => {
  it('has room for 32 streams of a caller, and again after one has ended', async () => {
    const [first] = Array.from({ length: 32 }, () => open('a'));
    await expect(open('a').over).rejects.toThrow(TooManyStreams);
    open('b');
    first!.close();
    await first!.over;
    open('a');
    await expect(open('a').over).rejects.toThrow(TooManyStreams);
  });

  it('has room for 64 streams of the callers of an account', async () => {
    for (let n = 0; n < 64; n++) open(`key:${n % 8}`, 'acme');
    await expect(open('key:9', 'acme').over).rejects.toThrow(TooManyStreams);
    open('key:10', 'globex');
  });

  it('has room for 500 streams', async () => {
    for (let n = 0; n < 500; n++) open(`caller-${n}`);
    await expect(open('last').over).rejects.toThrow(StreamsBusy);
  });

  it('ends a stream after five minutes, so that a key that was revoked is checked again', async () => {
    const stream = open('a');
    await jest.advanceTimersByTimeAsync(LIFE_MS - 1);
    expect(stream.isEnded()).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(stream.isEnded()).toBe(true);
  });

  it('ends all streams when the service stops, and those that begin later', async () => {
    const before = open('a');
    streams.onModuleDestroy();
    await before.over;
    const later = open('a');
    await later.over;
    expect([before.isEnded(), later.isEnded()]).toEqual([true, true]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { LookupLimiter } from './lookup-limiter.js';

const never = new AbortController().signal;

describe('the lookups of an account', () => {
  it('are limited, and those that wait start in order', async () => {
    const limiter = new LookupLimiter(2);
    expect(await Promise.all([limiter.take('a', never), limiter.take('a', never)])).toEqual([true, true]);
    const started: number[] = [];
    const waiting = [1, 2].map((n) => limiter.take('a', never).then(() => started.push(n)));
    expect(await limiter.take('b', never)).toBe(true);
    expect(started).toEqual([]);
    limiter.free('a');
    await waiting[0];
    expect(started).toEqual([1]);
    limiter.free('a');
    await waiting[1];
    expect(started).toEqual([1, 2]);
  });

  it('do not begin when their wait is ended', async () => {
    const limiter = new LookupLimiter(1);
    await limiter.take('a', never);
    const controller = new AbortController();
    const late = limiter.take('a', controller.signal);
    controller.abort();
    expect(await late).toBe(false);
    expect(await limiter.take('a', controller.signal)).toBe(false);
    limiter.free('a');
    expect(await limiter.take('a', never)).toBe(true);
  });
});

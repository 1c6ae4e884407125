import { describe, expect, it } from '@jest/globals';
import { KeyedLimiter } from './keyed-limiter.js';

class Refused extends Error {}

const limiterOf = (limits: object = {}): KeyedLimiter =>
  new KeyedLimiter({ concurrency: 2, maxWaiting: 1_000, waitMs: 30_000, ...limits }, () => new Refused());

/** Work that ends on demand. */
function works(limiter: KeyedLimiter) {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, key = 'a'): Promise<void> =>
    limiter.run(key, () => {
      log.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  return { log, run, end: (name: string) => ends.get(name)!() };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the work of a key', () => {
  it('runs two at once, in the order of the calls, and that of other keys not behind it', async () => {
    const { log, run, end } = works(limiterOf());
    for (const name of ['1', '2', '3', '4']) void run(name);
    void run('other', 'b');
    await settled();
    expect(log).toEqual(['1', '2', 'other']);
    end('2');
    await settled();
    expect(log).toEqual(['1', '2', 'other', '3']);
    end('1');
    await settled();
    expect(log).toEqual(['1', '2', 'other', '3', '4']);
  });

  it('makes room when it fails', async () => {
    const limiter = limiterOf();
    const failures = Array.from({ length: 5 }, () => limiter.run('a', () => Promise.reject(new Error('no'))));
    for (const { status } of await Promise.allSettled(failures)) expect(status).toBe('rejected');
    expect(await limiter.run('a', () => Promise.resolve(1))).toBe(1);
  });

  it('is refused when too much waits, or it waits too long', async () => {
    const { log, run, end } = works(limiterOf({ maxWaiting: 1, waitMs: 1 }));
    void run('1');
    const second = run('2');
    const third = run('3').catch((error: unknown) => error);
    await expect(run('4')).rejects.toThrow(Refused);
    void run('other', 'b');
    expect(await third).toBeInstanceOf(Refused);
    end('2');
    await second;
    void run('5');
    await settled();
    expect(log).toEqual(['1', '2', 'other', '5']);
  });
});

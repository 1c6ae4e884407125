import { describe, expect, it } from '@jest/globals';
import { EventLimiter } from './event-limiter.js';
import { EventBusy } from './events.errors.js';

const A = '019aa000-0000-7000-8000-00000000000a';
const B = '019aa000-0000-7000-8000-00000000000b';

/** Work that ends on demand. */
function works(limiter: EventLimiter) {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, id = A): Promise<void> =>
    limiter.run(id, () => {
      log.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  return { log, run, end: (name: string) => ends.get(name)!() };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the transactions of an event', () => {
  it('run two at once, in the order of the calls, and not those of other events behind them', async () => {
    const { log, run, end } = works(new EventLimiter());
    for (const name of ['1', '2', '3', '4']) void run(name, name === '3' ? A.toUpperCase() : A);
    void run('other', B);
    await settled();
    expect(log).toEqual(['1', '2', 'other']);
    end('2');
    await settled();
    expect(log).toEqual(['1', '2', 'other', '3']);
    end('1');
    await settled();
    expect(log).toEqual(['1', '2', 'other', '3', '4']);
  });

  it('make room when they fail', async () => {
    const limiter = new EventLimiter();
    const failures = Array.from({ length: 5 }, () => limiter.run(A, () => Promise.reject(new Error('no'))));
    for (const { status } of await Promise.allSettled(failures)) expect(status).toBe('rejected');
    expect(await limiter.run(A, () => Promise.resolve(1))).toBe(1);
  });

  it('are refused when too many wait, or one waits too long', async () => {
    const { log, run, end } = works(EventLimiter.with({ maxWaiting: 1, waitMs: 1 }));
    void run('1');
    const second = run('2');
    const third = run('3').catch((error: unknown) => error);
    await expect(run('4')).rejects.toThrow(EventBusy);
    expect(await third).toBeInstanceOf(EventBusy);
    end('2');
    await second;
    void run('5');
    await settled();
    expect(log).toEqual(['1', '2', '5']);
  });
});

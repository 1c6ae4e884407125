import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Batcher, type BatcherOptions } from './batcher.js';

interface Batch {
  items: number[];
  /** Ends the commit: by default each item's result is ten times the item. */
  succeed(results?: string[]): void;
  fail(error: unknown): void;
}

/** A group commit whose batches end when the test says so. */
function gated(options?: BatcherOptions) {
  const batches: Batch[] = [];
  const write = (items: number[]): Promise<string[]> =>
    new Promise((resolve, reject) => {
      batches.push({ items, succeed: (results = items.map(resultOf)) => resolve(results), fail: reject });
    });
  return { batches, commit: new Batcher(write, options) };
}

const resultOf = (item: number): string => `result ${item}`;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('Batcher', () => {
  it('writes a lone item in the next turn of the event loop', async () => {
    const { batches, commit } = gated();
    const result = commit.submit(1);
    await nextTurn();
    expect(batches).toMatchObject([{ items: [1] }]);
    batches[0]!.succeed();
    expect(await result).toBe('result 1');
  });

  it('writes together, in order, what is submitted in one turn, and gives each item its own result', async () => {
    const { batches, commit } = gated();
    const results = Promise.all([3, 1, 2].map((item) => commit.submit(item)));
    await nextTurn();
    expect(batches).toMatchObject([{ items: [3, 1, 2] }]);
    batches[0]!.succeed();
    expect(await results).toEqual([3, 1, 2].map(resultOf));
  });

  it('gathers for the interval too, where there is one', async () => {
    const beganAtMs: number[] = [];
    const batches: number[][] = [];
    const write = (items: number[]): Promise<number[]> => {
      beganAtMs.push(performance.now());
      batches.push(items);
      return Promise.resolve(items);
    };
    const commit = new Batcher(write, { intervalMs: 50 });
    await commit.submit(1);
    const results = [commit.submit(2)];
    await nextTurn();
    results.push(commit.submit(3));
    expect(await Promise.all(results)).toEqual([2, 3]);
    expect(batches).toEqual([[1], [2, 3]]);
    // Timers count whole milliseconds and may be early by one, and the interval begins just before what is timed here.
    expect(beganAtMs[1]! - beganAtMs[0]!).toBeGreaterThan(40);
  });

  it('gathers while a batch is being written, and writes one batch at a time', async () => {
    const { batches, commit } = gated();
    const first = commit.submit(1);
    await nextTurn();
    const later = [commit.submit(2)];
    await nextTurn();
    later.push(commit.submit(3));
    await nextTurn();
    expect(batches).toMatchObject([{ items: [1] }]);
    batches[0]!.succeed();
    await first;
    await nextTurn();
    expect(batches).toMatchObject([{ items: [1] }, { items: [2, 3] }]);
    batches[1]!.succeed();
    expect(await Promise.all(later)).toEqual([2, 3].map(resultOf));
  });

  it('writes at once again after it was idle', async () => {
    const { batches, commit } = gated();
    for (const item of [1, 2]) {
      const result = commit.submit(item);
      await nextTurn();
      expect(batches.at(-1)!.items).toEqual([item]);
      batches.at(-1)!.succeed();
      await result;
      await nextTurn();
    }
  });

  it('puts at most 512 items in a batch', async () => {
    const written: number[][] = [];
    const commit = new Batcher((items: number[]) => {
      written.push(items);
      return Promise.resolve(items);
    });
    expect(await Promise.all(upTo(1_025).map((item) => commit.submit(item)))).toEqual(upTo(1_025));
    expect(written.map(({ length }) => length)).toEqual([512, 512, 1]);
    expect(written.flat()).toEqual(upTo(1_025));
  });

  it('takes all that waits, however much, where it is not to write by halves', async () => {
    const { batches, commit } = gated();
    void commit.submit(0);
    await nextTurn();
    for (const item of upTo(28)) void commit.submit(item);
    batches[0]!.succeed();
    await nextTurn();
    expect(batches[1]!.items).toEqual(upTo(28));
  });

  it('rejects every item of a batch that fails, and goes on with the next', async () => {
    const { batches, commit } = gated();
    const error = new Error('The database is away');
    const failed = Promise.allSettled([commit.submit(1), commit.submit(2)]);
    await nextTurn();
    const next = commit.submit(3);
    batches[0]!.fail(error);
    const reasons = [error, error].map((reason) => ({ status: 'rejected', reason }));
    expect(await failed).toEqual(reasons);
    await nextTurn();
    expect(batches[1]!.items).toEqual([3]);
    batches[1]!.succeed();
    expect(await next).toBe('result 3');
  });
});

describe('Batcher by halves', () => {
  /** Gives the sizes of the batches when so many callers come at once, or one before the others, each again when it is answered. */
  async function sizes(callers: number, isOneFirst: boolean, rounds: number): Promise<number[]> {
    const { batches, commit } = gated({ isByHalves: true });
    const come = (): void => void commit.submit(0).then(nextTurn).then(come);
    come();
    if (isOneFirst) await nextTurn();
    for (let caller = 1; caller < callers; caller++) come();
    await nextTurn();
    for (let round = 0; round < rounds; round++) {
      batches[round]!.succeed();
      // In one turn the others are written, in the next those come again who were answered.
      await nextTurn();
      await nextTurn();
    }
    return batches.slice(0, rounds).map(({ items }) => items.length);
  }

  it.each([
    [30, false, [15, 15, 15, 15]],
    [30, true, [1, 15, 15, 15, 15]],
    [9, false, [5, 4, 5, 4]],
    [2_000, false, [512, 512, 512, 512]],
  ])('has %d callers, one first: %p, take turns', async (callers, isOneFirst, expected) => {
    expect(await sizes(callers, isOneFirst, expected.length)).toEqual(expected);
  });

  it('leaves few together, and counts anew after a rest', async () => {
    const { batches, commit } = gated({ isByHalves: true });
    for (let rest = 0; rest < 2; rest++) {
      for (const item of upTo(8)) void commit.submit(item);
      await nextTurn();
      expect(batches.at(-1)!.items).toEqual(upTo(8));
      batches.at(-1)!.succeed();
      await nextTurn();
    }
    for (const item of upTo(20)) void commit.submit(item);
    await nextTurn();
    expect(batches.at(-1)!.items).toEqual(upTo(10));
  });
});

describe('Batcher, when an item may be to blame', () => {
  it('tries each alone, in order, so that a bad one fails by itself', async () => {
    const tried: number[][] = [];
    const bad = new Error('invalid byte sequence');
    const commit = new Batcher(
      (items: number[]) => {
        tried.push(items);
        return items.includes(2) ? Promise.reject(bad) : Promise.resolve(items.map(resultOf));
      },
      { isItemFault: (error) => error === bad },
    );
    expect(await Promise.allSettled([1, 2, 3].map((item) => commit.submit(item)))).toEqual([
      { status: 'fulfilled', value: 'result 1' },
      { status: 'rejected', reason: bad },
      { status: 'fulfilled', value: 'result 3' },
    ]);
    expect(tried).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  it('does not try a lone bad item again', async () => {
    const { batches, commit } = gated({ isItemFault: () => true });
    const failed = commit.submit(1);
    await nextTurn();
    batches[0]!.fail(new Error('bad'));
    await expect(failed).rejects.toThrow('bad');
    await nextTurn();
    expect(batches).toHaveLength(1);
  });

  it('does not try one by one what is nobody’s fault', async () => {
    const { batches, commit } = gated({ isItemFault: (error) => error instanceof TypeError });
    const failed = Promise.allSettled([1, 2].map((item) => commit.submit(item)));
    await nextTurn();
    batches[0]!.fail(new Error('away'));
    expect(await failed).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    expect(batches).toHaveLength(1);
  });

  it('lets what arrives meanwhile wait until each was tried', async () => {
    const { batches, commit } = gated({ isItemFault: () => true });
    const results = [commit.submit(1), commit.submit(2)];
    await nextTurn();
    results.push(commit.submit(3));
    batches[0]!.fail(new Error('bad'));
    for (const index of [1, 2, 3]) {
      await nextTurn();
      expect(batches).toHaveLength(index + 1);
      batches[index]!.succeed();
    }
    expect(await Promise.all(results)).toEqual([1, 2, 3].map(resultOf));
    expect(batches.map(({ items }) => items)).toEqual([[1, 2], [1], [2], [3]]);
  });
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Batcher, type BatcherOptions } from './batcher.js';

interface Batch {
  items: number[];
  /** Ends the batch; by default each item gets its {@link resultOf}. */
  succeed(results?: string[]): void;
  fail(error: unknown): void;
}

/** A batcher whose batches end when the test ends them. */
function gated(options?: BatcherOptions) {
  const batches: Batch[] = [];
  const write = (items: number[]): Promise<string[]> =>
    new Promise((resolve, reject) => {
      batches.push({ items, succeed: (results = items.map(resultOf)) => resolve(results), fail: reject });
    });
  return { batches, batcher: new Batcher(write, options) };
}

const resultOf = (item: number): string => `result ${item}`;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('Batcher', () => {
  it('writes a single item in the next turn of the event loop', async () => {
    const { batches, batcher } = gated();
    const result = batcher.submit(1);
    await nextTurn();
    expect(batches).toMatchObject([{ items: [1] }]);
    batches[0]!.succeed();
    expect(await result).toBe('result 1');
  });

  it('writes the items of one turn in one batch, in order, and resolves each with its own result', async () => {
    const { batches, batcher } = gated();
    const results = Promise.all([3, 1, 2].map((item) => batcher.submit(item)));
    await nextTurn();
    expect(batches).toMatchObject([{ items: [3, 1, 2] }]);
    batches[0]!.succeed();
    expect(await results).toEqual([3, 1, 2].map(resultOf));
  });

  it('takes as many items as the policy of its owner says, in order', async () => {
    const asked: number[][] = [];
    const batchSize = (waiting: number, previous: number): number => {
      asked.push([waiting, previous]);
      return 2;
    };
    const { batches, batcher } = gated({ batchSize });
    const results = Promise.all(upTo(5).map((item) => batcher.submit(item)));
    for (const count of [1, 2, 3]) {
      while (batches.length < count) await nextTurn();
      batches[count - 1]!.succeed();
    }
    expect(await results).toEqual(upTo(5).map(resultOf));
    expect(batches.map(({ items }) => items)).toEqual([[0, 1], [2, 3], [4]]);
    expect(asked).toEqual([
      [5, 0],
      [3, 2],
      [1, 2],
    ]);
  });

  it('collects items for at least the interval', async () => {
    const beganAtMs: number[] = [];
    const batches: number[][] = [];
    const write = (items: number[]): Promise<number[]> => {
      beganAtMs.push(performance.now());
      batches.push(items);
      return Promise.resolve(items);
    };
    const batcher = new Batcher(write, { intervalMs: 50 });
    await batcher.submit(1);
    const results = [batcher.submit(2)];
    await nextTurn();
    results.push(batcher.submit(3));
    expect(await Promise.all(results)).toEqual([2, 3]);
    expect(batches).toEqual([[1], [2, 3]]);
    // Timers count whole milliseconds and may be early by one, and the interval begins just before what is timed here.
    expect(beganAtMs[1]! - beganAtMs[0]!).toBeGreaterThan(40);
  });

  it('collects items while a batch is being written and writes one batch at a time', async () => {
    const { batches, batcher } = gated();
    const first = batcher.submit(1);
    await nextTurn();
    const later = [batcher.submit(2)];
    await nextTurn();
    later.push(batcher.submit(3));
    await nextTurn();
    expect(batches).toMatchObject([{ items: [1] }]);
    batches[0]!.succeed();
    await first;
    await nextTurn();
    expect(batches).toMatchObject([{ items: [1] }, { items: [2, 3] }]);
    batches[1]!.succeed();
    expect(await Promise.all(later)).toEqual([2, 3].map(resultOf));
  });

  it('writes at once after it was idle', async () => {
    const { batches, batcher } = gated();
    for (const item of [1, 2]) {
      const result = batcher.submit(item);
      await nextTurn();
      expect(batches.at(-1)!.items).toEqual([item]);
      batches.at(-1)!.succeed();
      await result;
      await nextTurn();
    }
  });

  it('puts at most 512 items in a batch', async () => {
    const written: number[][] = [];
    const batcher = new Batcher((items: number[]) => {
      written.push(items);
      return Promise.resolve(items);
    });
    expect(await Promise.all(upTo(1_025).map((item) => batcher.submit(item)))).toEqual(upTo(1_025));
    expect(written.map(({ length }) => length)).toEqual([512, 512, 1]);
    expect(written.flat()).toEqual(upTo(1_025));
  });

  it('puts all waiting items in the next batch', async () => {
    const { batches, batcher } = gated();
    void batcher.submit(0);
    await nextTurn();
    for (const item of upTo(28)) void batcher.submit(item);
    batches[0]!.succeed();
    await nextTurn();
    expect(batches[1]!.items).toEqual(upTo(28));
  });

  it('rejects all items of a failed batch and continues with the next', async () => {
    const { batches, batcher } = gated();
    const error = new Error('The database is away');
    const failed = Promise.allSettled([batcher.submit(1), batcher.submit(2)]);
    await nextTurn();
    const next = batcher.submit(3);
    batches[0]!.fail(error);
    const reasons = [error, error].map((reason) => ({ status: 'rejected', reason }));
    expect(await failed).toEqual(reasons);
    await nextTurn();
    expect(batches[1]!.items).toEqual([3]);
    batches[1]!.succeed();
    expect(await next).toBe('result 3');
  });
});

describe('Batcher with isItemFault', () => {
  it('writes each item alone, in order, so that only the faulty one fails', async () => {
    const tried: number[][] = [];
    const bad = new Error('invalid byte sequence');
    const batcher = new Batcher(
      (items: number[]) => {
        tried.push(items);
        return items.includes(2) ? Promise.reject(bad) : Promise.resolve(items.map(resultOf));
      },
      { isItemFault: (error) => error === bad },
    );
    expect(await Promise.allSettled([1, 2, 3].map((item) => batcher.submit(item)))).toEqual([
      { status: 'fulfilled', value: 'result 1' },
      { status: 'rejected', reason: bad },
      { status: 'fulfilled', value: 'result 3' },
    ]);
    expect(tried).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  it('does not write a single faulty item again', async () => {
    const { batches, batcher } = gated({ isItemFault: () => true });
    const failed = batcher.submit(1);
    await nextTurn();
    batches[0]!.fail(new Error('bad'));
    await expect(failed).rejects.toThrow('bad');
    await nextTurn();
    expect(batches).toHaveLength(1);
  });

  it('does not write items alone after an error that no item caused', async () => {
    const { batches, batcher } = gated({ isItemFault: (error) => error instanceof TypeError });
    const failed = Promise.allSettled([1, 2].map((item) => batcher.submit(item)));
    await nextTurn();
    batches[0]!.fail(new Error('away'));
    expect(await failed).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    expect(batches).toHaveLength(1);
  });

  it('keeps new items waiting until each item of the failed batch was written', async () => {
    const { batches, batcher } = gated({ isItemFault: () => true });
    const results = [batcher.submit(1), batcher.submit(2)];
    await nextTurn();
    results.push(batcher.submit(3));
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

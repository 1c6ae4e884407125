import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { jobs, LaneBench } from '../../../test/jobs/lane-bench.js';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

/** Reports whether a promise has settled. */
function watch(promise: Promise<unknown>): { hasSettled: boolean } {
  const watched = { hasSettled: false };
  const settle = (): void => void (watched.hasSettled = true);
  promise.then(settle, settle);
  return watched;
}

describe('A lost lease', () => {
  it('ends the run, which returns false', async () => {
    const { result } = await bench.start(jobs(1, 3));
    await bench.generated(1);
    await bench.committed(false);
    await bench.generated(2);
    expect(await result).toBe(false);
    expect([bench.begun, bench.reads]).toEqual([[1, 2], []]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
  });

  it('is noticed by the last commit', async () => {
    const { result } = await bench.start(jobs(1, 1));
    await bench.generated(1);
    await bench.committed(false);
    expect(await result).toBe(false);
    expect(bench.commits).toHaveLength(1);
  });

  it('is noticed when the lane has no requests', async () => {
    const { result } = await bench.start([]);
    await bench.committed(false);
    expect(await result).toBe(false);
  });
});

describe('A commit that fails', () => {
  const error = new Error('The disk is full');

  it('ends the run with its error, and no later batch is committed', async () => {
    const { result } = await bench.start(jobs(1, 4));
    await bench.generated(1, 2);
    await bench.commitFailed(error);
    await bench.generated(3);
    await expect(result).rejects.toBe(error);
    expect(bench.begun).toEqual([1, 2, 3]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
  });

  it('ends the run when it is the last', async () => {
    const { result } = await bench.start(jobs(1, 1));
    await bench.generated(1);
    await bench.commitFailed(error);
    await expect(result).rejects.toBe(error);
    expect(bench.commits).toHaveLength(1);
  });
});

describe('A report that cannot be generated now', () => {
  const error = new Error('The pool is closed');

  it('ends the run with its error, once the reports before it are committed', async () => {
    const { result } = await bench.start(jobs(1, 3));
    const run = watch(result);
    await bench.generated(1);
    await bench.generatingFailed(2, error);
    await nextTurn();
    expect(run.hasSettled).toBe(false);
    await bench.committed();
    await expect(result).rejects.toBe(error);
    expect(bench.begun).toEqual([1, 2]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
  });
});

describe('A failed read', () => {
  const error = new Error('The database is away');

  it('ends the run with its error, once the generated reports are committed', async () => {
    bench.readAfter = () => Promise.reject(error);
    const { result } = await bench.start(jobs(1, 1));
    const run = watch(result);
    await bench.generated(1);
    expect(run.hasSettled).toBe(false);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: false }]);
    await bench.committed();
    await expect(result).rejects.toBe(error);
  });

  it('is ignored when it was ahead of need and the run ends before it', async () => {
    bench.readAfter = () => Promise.reject(error);
    const { result } = await bench.start(jobs(1, 64));
    bench.isLeaseSafe = false;
    await bench.generated(1);
    await bench.committed();
    expect(await result).toBe(true);
  });
});

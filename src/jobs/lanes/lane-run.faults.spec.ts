import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { jobs, LaneBench } from '../../../test/jobs/lane-bench.js';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

/** Tells later whether a promise has settled. */
function watch(promise: Promise<unknown>): { hasSettled: boolean } {
  const watched = { hasSettled: false };
  const settle = (): void => void (watched.hasSettled = true);
  promise.then(settle, settle);
  return watched;
}

describe('A lane that was lost', () => {
  it('stops the run, which says so', async () => {
    const { result } = await bench.start(jobs(1, 3));
    await bench.made(1);
    await bench.committed(false);
    await bench.made(2);
    expect(await result).toBe(false);
    expect([bench.begun, bench.looked]).toEqual([[1, 2], []]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
  });

  it('is noticed with the last commit too', async () => {
    const { result } = await bench.start(jobs(1, 1));
    await bench.made(1);
    await bench.committed(false);
    expect(await result).toBe(false);
    expect(bench.commits).toHaveLength(1);
  });

  it('is noticed also when giving back is all there is to do', async () => {
    const { result } = await bench.start([]);
    await bench.committed(false);
    expect(await result).toBe(false);
  });
});

describe('A commit that fails', () => {
  const error = new Error('The disk is full');

  it('ends the run with its error, and nothing is written behind the gap', async () => {
    const { result } = await bench.start(jobs(1, 4));
    await bench.made(1, 2);
    await bench.commitFailed(error);
    await bench.made(3);
    await expect(result).rejects.toBe(error);
    expect(bench.begun).toEqual([1, 2, 3]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
  });

  it('ends the run also when it is the last', async () => {
    const { result } = await bench.start(jobs(1, 1));
    await bench.made(1);
    await bench.commitFailed(error);
    await expect(result).rejects.toBe(error);
    expect(bench.commits).toHaveLength(1);
  });
});

describe('A report that can be neither made nor failed now', () => {
  const error = new Error('The pool is closed');

  it('ends the run with its error, once what was made before it is written', async () => {
    const { result } = await bench.start(jobs(1, 3));
    const run = watch(result);
    await bench.made(1);
    await bench.makingFailed(2, error);
    await nextTurn();
    expect(run.hasSettled).toBe(false);
    await bench.committed();
    await expect(result).rejects.toBe(error);
    expect(bench.begun).toEqual([1, 2]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
  });
});

describe('A look for more that fails', () => {
  const error = new Error('The database is away');

  it('ends the run with its error, once what was made is written', async () => {
    bench.readAfter = () => Promise.reject(error);
    const { result } = await bench.start(jobs(1, 1));
    const run = watch(result);
    await bench.made(1);
    expect(run.hasSettled).toBe(false);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: false }]);
    await bench.committed();
    await expect(result).rejects.toBe(error);
  });

  it('does no harm when it was made ahead and the run ends before', async () => {
    bench.readAfter = () => Promise.reject(error);
    const { result } = await bench.start(jobs(1, 64));
    bench.mayContinue = false;
    await bench.made(1);
    await bench.committed();
    expect(await result).toBe(true);
  });
});

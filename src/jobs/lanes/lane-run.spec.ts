import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { job, jobs, LaneBench, LEASED_AT } from '../../../test/jobs/lane-bench.js';
import { AHEAD } from './lane-run.js';
import type { Job } from '../job.js';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

describe('LaneRun', () => {
  it('makes one request after the other, in order', async () => {
    const { result } = await bench.start(jobs(1, 3));
    for (const position of [1, 2, 3]) {
      expect(bench.begun.at(-1)).toBe(position);
      await bench.made(position);
      await bench.committed();
    }
    expect(await result).toBe(true);
    expect(bench.begun).toEqual([1, 2, 3]);
  });

  it('commits a report while the next is made, marks that one as begun, and gives the lane back with the last', async () => {
    const { result } = await bench.start(jobs(1, 2));
    await bench.made(1);
    expect(bench.begun).toEqual([1, 2]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
    await bench.committed();
    await bench.made(2);
    expect(bench.written.slice(1)).toEqual([{ done: [2], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('gathers what is made while a commit is in flight', async () => {
    const { result } = await bench.start(jobs(1, 4));
    await bench.made(1, 3);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
    await bench.committed();
    expect(bench.written.slice(1)).toEqual([{ done: [2, 3], begun: 4, release: false }]);
    await bench.made(4);
    await bench.committed();
    expect(bench.written.slice(2)).toEqual([{ done: [4], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('gives the lane back with the last batch also when that was gathered behind another', async () => {
    const { result } = await bench.start(jobs(1, 3));
    await bench.made(1, 3);
    await bench.committed();
    expect(bench.written.slice(1)).toEqual([{ done: [2, 3], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('gives the lane back at once when there is nothing to make', async () => {
    const { result } = await bench.start([]);
    expect(bench.written).toEqual([{ done: [], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('begins nothing more when it may not continue, and gives the lane back with what it has', async () => {
    const { result } = await bench.start(jobs(1, 2));
    bench.mayContinue = false;
    await bench.made(1);
    expect([bench.begun, bench.looked]).toEqual([[1], []]);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('gives the lane back untouched when it may not even begin', async () => {
    bench.mayContinue = false;
    const { result } = await bench.start(jobs(1, 1));
    expect([bench.begun, bench.looked]).toEqual([[], []]);
    expect(bench.written).toEqual([{ done: [], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('does not let more than 256 reports pile up behind a slow commit', async () => {
    const { result } = await bench.start(jobs(1, 300));
    await bench.made(1, 256);
    expect(bench.begun.at(-1)).toBe(256);
    await bench.committed();
    expect(bench.begun.at(-1)).toBe(257);
    expect(bench.written.at(-1)).toMatchObject({ done: { length: 255 }, release: false });
    bench.mayContinue = false;
    await bench.made(257);
    await bench.committed();
    await bench.committed();
    // Whether this was the last could not be known when its commit began.
    expect(bench.written.at(-1)).toEqual({ done: [], begun: null, release: true });
    await bench.committed();
    expect(await result).toBe(true);
  });
});

describe('Short requests', () => {
  const short = (first: number, last: number, ms = 0.1): Job[] =>
    jobs(first, last).map((one) => Object.assign(one, { params: { ms } }));

  it('are made in one go and committed together, up to 128 at a time, and never with one that is not short', async () => {
    const { result } = await bench.start([...jobs(1, 1), ...short(2, 3), ...jobs(4, 4), ...short(5, 136)]);
    await bench.made(1, 136);
    expect(bench.together).toEqual([1, 2, 1, 128, 4]);
    expect(bench.begun).toEqual(jobs(1, 136).map(({ queuePosition }) => queuePosition));
    await bench.committed();
    expect(bench.written[1]!.done).toHaveLength(135);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('are made in one go for 20 ms at the most', async () => {
    await bench.start([...short(1, 5, 6), ...short(6, 6, 21), ...short(7, 8, 10)]);
    await bench.made(1, 8);
    expect(bench.together).toEqual([3, 2, 1, 2]);
  });

  it('are told as begun and ended one after the other', async () => {
    await bench.start(short(1, 3));
    await bench.made(1, 3, { tookMs: 0.4 });
    const times = bench.commits[0]!.completions.flatMap(({ startedAt, completedAt }) => [startedAt, completedAt]);
    expect(times.map(Number)).toEqual(times.map(Number).toSorted((a, b) => a - b));
  });
});

describe('What LaneRun does when it has made what it was given', () => {
  it('goes on with what has come meanwhile', async () => {
    bench.readAfter = (last) => Promise.resolve(last === 2 ? jobs(3, 4) : []);
    const { result } = await bench.start(jobs(1, 2));
    for (const position of [1, 2, 3, 4]) {
      await bench.made(position);
      await bench.committed();
    }
    expect(await result).toBe(true);
    expect([bench.begun, bench.looked]).toEqual([
      [1, 2, 3, 4],
      [2, 4],
    ]);
    expect(bench.written.at(-1)).toEqual({ done: [4], begun: null, release: true });
  });

  it('commits while it looks for more, marks nothing as begun, and gives the lane back when there is no more', async () => {
    let found: (more: Job[]) => void = () => undefined;
    bench.readAfter = () => new Promise((resolve) => (found = resolve));
    const { result } = await bench.start(jobs(1, 1));
    await bench.made(1);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: false }]);
    await bench.committed();
    found([]);
    await nextTurn();
    expect(bench.written.slice(1)).toEqual([{ done: [], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('reads ahead while it makes a full batch', async () => {
    bench.readAfter = (last) => Promise.resolve(last === AHEAD ? jobs(AHEAD + 1, AHEAD + 1) : []);
    const { result } = await bench.start(jobs(1, AHEAD));
    expect([bench.begun, bench.looked]).toEqual([[1], [AHEAD]]);
    await bench.made(1, AHEAD - 1);
    await bench.committed();
    await bench.made(AHEAD, AHEAD + 1);
    for (let batch = 2; batch <= 3; batch++) await bench.committed();
    // Whether the third was the last could not be known when its commit began.
    expect(bench.written.at(-1)).toEqual({ done: [], begun: null, release: true });
    await bench.committed();
    expect(await result).toBe(true);
    expect(bench.looked).toEqual([AHEAD, AHEAD + 1]);
    expect(bench.begun).toEqual(jobs(1, AHEAD + 1).map(({ queuePosition }) => queuePosition));
  });
});

describe('What LaneRun commits', () => {
  it('is the outcome, the destination of the callback, and times by the database’s clock that never go back', async () => {
    await bench.start([job(1, 'https://a.example/hook'), job(2)]);
    await bench.made(1, 1, { result: '{"row_count":5}', fileKey: 'file' });
    await bench.made(2, 2, { result: null, error: 'No such period' });
    await bench.committed();
    const [first, second] = bench.commits.flatMap(({ completions }) => completions);
    const outcome = { id: '1', result: '{"row_count":5}', fileKey: 'file', error: null };
    expect(first).toMatchObject({ ...outcome, destination: 'https://a.example:443' });
    expect(second).toMatchObject({ id: '2', result: null, error: 'No such period', destination: null });
    expect(first!.deliveryId).not.toBe(second!.deliveryId);
    const times = [LEASED_AT, first!.startedAt, first!.completedAt, second!.startedAt, second!.completedAt].map(Number);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)! - times[0]!).toBeLessThan(60_000);
    expect(bench.commits[0]!.begun!.startedAt).toEqual(second!.startedAt);
  });

  it('tells the seconds of work since the commit before', async () => {
    const before = performance.now();
    await bench.start(jobs(1, 2));
    await bench.made(1);
    await bench.committed();
    await bench.made(2);
    const allS = (performance.now() - before) / 1_000;
    const [first, second] = bench.commits.map(({ busyS }) => busyS);
    expect(Math.min(first!, second!)).toBeGreaterThan(0);
    // The count began with the lane, before the run.
    expect(first! + second!).toBeLessThan(allS + 1);
  });
});

describe('Where the holder before fell silent, LaneRun', () => {
  it('makes one request at a time, and each only when it is on record as begun', async () => {
    bench.lane.isolateUntil = 3;
    const short = jobs(1, 5);
    for (const each of short) each.params = { ms: 0.1 };
    const { result } = await bench.start(short);
    for (const position of [1, 2, 3]) {
      expect(bench.written.at(-1)).toEqual({ done: [], begun: position, release: false });
      expect(bench.begun).not.toContain(position);
      await bench.committed();
      expect(bench.begun.at(-1)).toBe(position);
      await bench.made(position);
      expect(bench.written.at(-1)).toMatchObject({ done: [position], release: false });
      if (position < 3) await bench.committed();
    }
    // Past that point it goes on as ever.
    expect(bench.begun).toEqual([1, 2, 3, 4, 5]);
    expect(bench.together).toEqual([1, 1, 1, 2]);
    await bench.committed();
    await bench.made(4, 5);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('makes nothing when it has lost the lane meanwhile, or cannot put on record what it begins', async () => {
    bench.lane.isolateUntil = 1;
    const { result } = await bench.start(jobs(1, 1));
    await bench.committed(false);
    expect(await result).toBe(false);

    const other = new LaneBench();
    other.lane.isolateUntil = 1;
    const { result: failed } = await other.start(jobs(1, 1));
    await other.commitFailed(new Error('The database is away'));
    await expect(failed).rejects.toThrow('The database is away');
    expect([...bench.begun, ...other.begun]).toEqual([]);
    expect([bench.commits.length, other.commits.length]).toEqual([1, 1]);
  });
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { job, jobs, LaneBench, LEASED_AT } from '../../../test/jobs/lane-bench.js';
import { READ_AHEAD } from './lane-run.js';
import type { Job } from '../job.js';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

describe('LaneRun', () => {
  it('generates one request after the other, in order', async () => {
    const { result } = await bench.start(jobs(1, 3));
    for (const position of [1, 2, 3]) {
      expect(bench.begun.at(-1)).toBe(position);
      await bench.generated(position);
      await bench.committed();
    }
    expect(await result).toBe(true);
    expect(bench.begun).toEqual([1, 2, 3]);
  });

  it('commits a report while it generates the next, marks that one as begun, and releases the lane with the last', async () => {
    const { result } = await bench.start(jobs(1, 2));
    await bench.generated(1);
    expect(bench.begun).toEqual([1, 2]);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
    await bench.committed();
    await bench.generated(2);
    expect(bench.written.slice(1)).toEqual([{ done: [2], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('batches the reports that it generates during a commit', async () => {
    const { result } = await bench.start(jobs(1, 4));
    await bench.generated(1, 3);
    expect(bench.written).toEqual([{ done: [1], begun: 2, release: false }]);
    await bench.committed();
    expect(bench.written.slice(1)).toEqual([{ done: [2, 3], begun: 4, release: false }]);
    await bench.generated(4);
    await bench.committed();
    expect(bench.written.slice(2)).toEqual([{ done: [4], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('releases the lane with the last batch, even if that was waiting for another', async () => {
    const { result } = await bench.start(jobs(1, 3));
    await bench.generated(1, 3);
    await bench.committed();
    expect(bench.written.slice(1)).toEqual([{ done: [2, 3], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('releases the lane at once when it has no requests', async () => {
    const { result } = await bench.start([]);
    expect(bench.written).toEqual([{ done: [], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('begins no further request when its lease may be lost, and releases the lane with what it has generated', async () => {
    const { result } = await bench.start(jobs(1, 2));
    bench.isLeaseSafe = false;
    await bench.generated(1);
    expect([bench.begun, bench.reads]).toEqual([[1], []]);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('releases the lane untouched when its lease may be lost before it begins', async () => {
    bench.isLeaseSafe = false;
    const { result } = await bench.start(jobs(1, 1));
    expect([bench.begun, bench.reads]).toEqual([[], []]);
    expect(bench.written).toEqual([{ done: [], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('begins no further request when reports are paused, and releases the lane with the report in hand', async () => {
    const { result } = await bench.start(jobs(1, 3));
    bench.isPaused = true;
    await bench.generated(1);
    expect(bench.begun).toEqual([1]);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('begins no further request when the worker is draining', async () => {
    const { result } = await bench.start(jobs(1, 2));
    bench.draining.abort();
    await bench.generated(1);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('begins no further request when another account waits, but one in any case', async () => {
    bench.yielding.abort();
    const { result } = await bench.start(jobs(1, 3));
    await bench.generated(1);
    expect(bench.begun).toEqual([1]);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('generates at most 256 reports ahead of a slow commit', async () => {
    const { result } = await bench.start(jobs(1, 300));
    await bench.generated(1, 256);
    expect(bench.begun.at(-1)).toBe(256);
    await bench.committed();
    expect(bench.begun.at(-1)).toBe(257);
    expect(bench.written.at(-1)).toMatchObject({ done: { length: 255 }, release: false });
    bench.isLeaseSafe = false;
    await bench.generated(257);
    await bench.committed();
    await bench.committed();
    // When that commit started, it was not known to be the last.
    expect(bench.written.at(-1)).toEqual({ done: [], begun: null, release: true });
    await bench.committed();
    expect(await result).toBe(true);
  });
});

describe('Short requests', () => {
  const short = (first: number, last: number, ms = 0.1): Job[] =>
    jobs(first, last).map((one) => Object.assign(one, { params: { ms } }));

  it('are generated and committed together, up to 128 at a time, and never with one that is not short', async () => {
    const { result } = await bench.start([...jobs(1, 1), ...short(2, 3), ...jobs(4, 4), ...short(5, 136)]);
    await bench.generated(1, 136);
    expect(bench.groups).toEqual([1, 2, 1, 128, 4]);
    expect(bench.begun).toEqual(jobs(1, 136).map(({ queuePosition }) => queuePosition));
    await bench.committed();
    expect(bench.written[1]!.done).toHaveLength(135);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('are grouped for 20 ms at most', async () => {
    await bench.start([...short(1, 5, 6), ...short(6, 6, 21), ...short(7, 8, 10)]);
    await bench.generated(1, 8);
    expect(bench.groups).toEqual([3, 2, 1, 2]);
  });

  it('have start and end times one after the other', async () => {
    await bench.start(short(1, 3));
    await bench.generated(1, 3, { tookMs: 0.4 });
    const times = bench.commits[0]!.completions.flatMap(({ startedAt, completedAt }) => [startedAt, completedAt]);
    expect(times.map(Number)).toEqual(times.map(Number).toSorted((a, b) => a - b));
  });
});

describe('LaneRun at the end of the requests that it has read', () => {
  it('continues with requests accepted since', async () => {
    bench.readAfter = (last) => Promise.resolve(last === 2 ? jobs(3, 4) : []);
    const { result } = await bench.start(jobs(1, 2));
    for (const position of [1, 2, 3, 4]) {
      await bench.generated(position);
      await bench.committed();
    }
    expect(await result).toBe(true);
    expect([bench.begun, bench.reads]).toEqual([
      [1, 2, 3, 4],
      [2, 4],
    ]);
    expect(bench.written.at(-1)).toEqual({ done: [4], begun: null, release: true });
  });

  it('commits while it reads on, marks no request as begun, and releases the lane when there are no more', async () => {
    let found: (more: Job[]) => void = () => undefined;
    bench.readAfter = () => new Promise((resolve) => (found = resolve));
    const { result } = await bench.start(jobs(1, 1));
    await bench.generated(1);
    expect(bench.written).toEqual([{ done: [1], begun: null, release: false }]);
    await bench.committed();
    found([]);
    await nextTurn();
    expect(bench.written.slice(1)).toEqual([{ done: [], begun: null, release: true }]);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('reads ahead while it generates a full batch', async () => {
    bench.readAfter = (last) => Promise.resolve(last === READ_AHEAD ? jobs(READ_AHEAD + 1, READ_AHEAD + 1) : []);
    const { result } = await bench.start(jobs(1, READ_AHEAD));
    expect([bench.begun, bench.reads]).toEqual([[1], [READ_AHEAD]]);
    await bench.generated(1, READ_AHEAD - 1);
    await bench.committed();
    await bench.generated(READ_AHEAD, READ_AHEAD + 1);
    for (let batch = 2; batch <= 3; batch++) await bench.committed();
    // When the third commit started, it was not known to be the last.
    expect(bench.written.at(-1)).toEqual({ done: [], begun: null, release: true });
    await bench.committed();
    expect(await result).toBe(true);
    expect(bench.reads).toEqual([READ_AHEAD, READ_AHEAD + 1]);
    expect(bench.begun).toEqual(jobs(1, READ_AHEAD + 1).map(({ queuePosition }) => queuePosition));
  });
});

describe('A commit of LaneRun', () => {
  it('has the outcome, the destination of the callback, and times by the database’s clock that never go back', async () => {
    await bench.start([job(1, 'https://a.example/hook'), job(2)]);
    await bench.generated(1, 1, { result: '{"row_count":5}', fileKey: 'file' });
    await bench.generated(2, 2, { result: null, error: 'No such period' });
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

  it('has the seconds of work since the commit before it', async () => {
    const before = performance.now();
    await bench.start(jobs(1, 2));
    await bench.generated(1);
    await bench.committed();
    await bench.generated(2);
    const allS = (performance.now() - before) / 1_000;
    const [first, second] = bench.commits.map(({ busyS }) => busyS);
    expect(Math.min(first!, second!)).toBeGreaterThan(0);
    // The time counts from the construction of the run.
    expect(first! + second!).toBeLessThan(allS + 1);
  });
});

describe('LaneRun wakes the sending of callbacks', () => {
  const withCallback = (position: number): Job => job(position, 'https://a.example/hook');

  it('after each commit that has a delivery, and only then', async () => {
    const { result } = await bench.start([job(1), withCallback(2), job(3)]);
    const wakesAfter: number[] = [];
    for (const position of [1, 2, 3]) {
      await bench.generated(position);
      await bench.committed();
      wakesAfter.push(bench.wakes.length);
    }
    expect(await result).toBe(true);
    expect([wakesAfter, bench.wakes]).toEqual([[0, 1, 1], ['callbacks']]);
  });

  it('not when the lease is lost, since then no delivery was written', async () => {
    const { result } = await bench.start([withCallback(1)]);
    await bench.generated(1);
    await bench.committed(false);
    expect([await result, bench.wakes]).toEqual([false, []]);
  });
});

describe('In isolate mode, LaneRun', () => {
  it('generates one request at a time, each after a commit that marks it as begun', async () => {
    bench.lane.isolateUntil = 3;
    const short = jobs(1, 5);
    for (const each of short) each.params = { ms: 0.1 };
    const { result } = await bench.start(short);
    for (const position of [1, 2, 3]) {
      expect(bench.written.at(-1)).toEqual({ done: [], begun: position, release: false });
      expect(bench.begun).not.toContain(position);
      await bench.committed();
      expect(bench.begun.at(-1)).toBe(position);
      await bench.generated(position);
      expect(bench.written.at(-1)).toMatchObject({ done: [position], release: false });
      if (position < 3) await bench.committed();
    }
    // Behind `isolateUntil` it groups requests again.
    expect(bench.begun).toEqual([1, 2, 3, 4, 5]);
    expect(bench.groups).toEqual([1, 1, 1, 2]);
    await bench.committed();
    await bench.generated(4, 5);
    await bench.committed();
    expect(await result).toBe(true);
  });

  it('generates nothing when the lease is lost, or when the mark cannot be committed', async () => {
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

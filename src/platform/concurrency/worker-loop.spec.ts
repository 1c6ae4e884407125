import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { WorkerLoop, type Task } from './worker-loop.js';

/** Work that is there to be claimed, a drain that claims it, and tasks that end when the test says so. */
class Bench {
  readonly started: string[] = [];
  readonly asked: number[] = [];
  readonly errors: unknown[] = [];
  readonly drain: WorkerLoop;
  /** Set to make the next claim wait or fail. */
  beforeClaim: () => Promise<void> = () => Promise.resolve();
  private readonly ends = new Map<string, () => void>();

  constructor(
    slots: number,
    readonly waiting: string[] = [],
  ) {
    this.drain = new WorkerLoop(
      slots,
      (free) => this.claim(free),
      (error) => this.errors.push(error),
    );
  }

  private async claim(free: number): Promise<Task[]> {
    this.asked.push(free);
    await this.beforeClaim();
    return this.waiting.splice(0, free).map((name) => () => this.work(name));
  }

  private work(name: string): Promise<void> {
    this.started.push(name);
    return new Promise((resolve) => this.ends.set(name, resolve));
  }

  async end(...names: string[]): Promise<void> {
    for (const name of names) this.ends.get(name)!();
    await nextTurn();
  }
}

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let hasSettled = false;
  void promise.finally(() => (hasSettled = true));
  await nextTurn();
  return hasSettled;
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('WorkerLoop', () => {
  it('resolves at once when there is nothing to claim', async () => {
    const bench = new Bench(2);
    await bench.drain.run();
    expect(bench.asked).toEqual([2]);
    expect(bench.drain.activeCount).toBe(0);
  });

  it('claims no more than there are free slots, and does not resolve while all are taken', async () => {
    const bench = new Bench(2, ['a', 'b', 'c', 'd']);
    const run = bench.drain.run();
    expect(await isSettled(run)).toBe(false);
    expect(bench.started).toEqual(['a', 'b']);
    expect(bench.drain.activeCount).toBe(2);
    await bench.end('b');
    expect(bench.started).toEqual(['a', 'b', 'c']);
    expect(bench.asked).toEqual([2, 1]);
    await bench.end('a', 'c');
    expect(bench.started).toEqual(['a', 'b', 'c', 'd']);
    expect(await isSettled(run)).toBe(true);
    await bench.end('d');
    expect(bench.drain.activeCount).toBe(0);
  });

  it('resolves when nothing more can be claimed, though tasks are still under way', async () => {
    const bench = new Bench(2, ['a']);
    await bench.drain.run();
    expect([bench.started, bench.drain.activeCount]).toEqual([['a'], 1]);
    await bench.end('a');
  });

  it('looks again when a task has ended: that may have made something claimable', async () => {
    const bench = new Bench(2, ['a']);
    await bench.drain.run();
    bench.waiting.push('b');
    await bench.end('a');
    expect(bench.started).toEqual(['a', 'b']);
    await bench.end('b');
  });

  it('makes one run of the wake-ups that come while it runs', async () => {
    const bench = new Bench(1);
    const { opened, open } = gate();
    bench.beforeClaim = () => opened;
    const runs = [1, 2, 3].map(() => bench.drain.run());
    open();
    await Promise.all(runs);
    expect(bench.asked).toHaveLength(2);
  });

  // The end of a run takes several microtasks; a wake-up between any two of them counts.
  it.each(Array.from({ length: 12 }, (_, index) => index))(
    'loses no wake-up that comes %d microtasks after an empty claim',
    async (microtasks) => {
      const bench = new Bench(1);
      const { opened, open } = gate();
      bench.beforeClaim = () => opened;
      void bench.drain.run();
      open();
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      bench.waiting.push('late');
      void bench.drain.run();
      await nextTurn();
      expect(bench.started).toEqual(['late']);
      await bench.end('late');
    },
  );

  it('tells of a claim that failed, and works again when it is woken again', async () => {
    const bench = new Bench(2, ['a']);
    bench.beforeClaim = () => Promise.reject(new Error('The database is away'));
    await bench.drain.run();
    expect(bench.errors).toEqual([new Error('The database is away')]);
    bench.beforeClaim = () => Promise.resolve();
    await bench.drain.run();
    expect(bench.started).toEqual(['a']);
    await bench.end('a');
  });
});

describe('WorkerLoop.stop', () => {
  it('waits for the tasks under way and claims nothing more', async () => {
    const bench = new Bench(2, ['a', 'b', 'c']);
    const run = bench.drain.run();
    await nextTurn();
    const stopped = bench.drain.stop();
    await bench.end('a');
    expect(await isSettled(stopped)).toBe(false);
    await bench.end('b');
    await Promise.all([run, stopped]);
    expect(bench.started).toEqual(['a', 'b']);
    await bench.drain.run();
    expect([bench.asked, bench.waiting]).toEqual([[2], ['c']]);
  });

  it('waits for a claim in flight and for what it brings: it was taken and has to be given back', async () => {
    const bench = new Bench(1, ['a']);
    const { opened, open } = gate();
    bench.beforeClaim = () => opened;
    void bench.drain.run();
    const stopped = bench.drain.stop();
    open();
    expect(await isSettled(stopped)).toBe(false);
    expect(bench.started).toEqual(['a']);
    await bench.end('a');
    await stopped;
    expect(bench.asked).toEqual([1]);
  });

  it('ends at once when nothing is under way', async () => {
    const bench = new Bench(1, ['a']);
    await bench.drain.stop();
    expect([bench.asked, bench.waiting]).toEqual([[], ['a']]);
  });
});

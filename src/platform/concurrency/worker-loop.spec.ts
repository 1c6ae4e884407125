import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { WorkerLoop, type Task } from './worker-loop.js';

/** Work to claim, a loop that claims it, and tasks that end when the test ends them. */
class Bench {
  readonly started: string[] = [];
  readonly asked: number[] = [];
  readonly errors: unknown[] = [];
  readonly drain: WorkerLoop;
  /** Makes the next claim wait or fail. */
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

/** Whether a promise is settled. */
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
  it('resolves at once when there is no work', async () => {
    const bench = new Bench(2);
    await bench.drain.run();
    expect(bench.asked).toEqual([2]);
    expect(bench.drain.activeCount).toBe(0);
  });

  it('claims up to the limit of concurrent tasks and does not resolve while it is reached', async () => {
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

  it('resolves when there is no more work, even while tasks are running', async () => {
    const bench = new Bench(2, ['a']);
    await bench.drain.run();
    expect([bench.started, bench.drain.activeCount]).toEqual([['a'], 1]);
    await bench.end('a');
  });

  it('claims again when a task has ended, which may have made work available', async () => {
    const bench = new Bench(2, ['a']);
    await bench.drain.run();
    bench.waiting.push('b');
    await bench.end('a');
    expect(bench.started).toEqual(['a', 'b']);
    await bench.end('b');
  });

  it('claims once more for all wake-ups during a run', async () => {
    const bench = new Bench(1);
    const { opened, open } = gate();
    bench.beforeClaim = () => opened;
    const runs = [1, 2, 3].map(() => bench.drain.run());
    open();
    await Promise.all(runs);
    expect(bench.asked).toHaveLength(2);
  });

  // The end of a run takes several microtasks; a wake-up between any two of them must not be lost.
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

  it('reports a claim that failed and works again at the next wake-up', async () => {
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
  it('waits for the running tasks and stops claiming', async () => {
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

  it('waits for a claim in progress and for its tasks, which must be released', async () => {
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

  it('resolves at once when no task is running', async () => {
    const bench = new Bench(1, ['a']);
    await bench.drain.stop();
    expect([bench.asked, bench.waiting]).toEqual([[], ['a']]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { PasswordsBusy } from '../users.errors.js';
import { BoundedQueue } from './bounded-queue.js';

/** A task that ends when it is told to. */
function task(): { run: () => Promise<string>; end: () => void; fail: () => void; isStarted: () => boolean } {
  let resolve!: (result: string) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<string>((fulfil, fail) => ((resolve = fulfil), (reject = fail)));
  let started = false;
  const run = (): Promise<string> => {
    started = true;
    return promise;
  };
  return { run, end: () => resolve('done'), fail: () => reject(new Error('broken')), isStarted: () => started };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the queue', () => {
  it('runs tasks up to its concurrency, in order, and the next one when a task ends or fails', async () => {
    const queue = new BoundedQueue(2, 10, 50);
    const tasks = [task(), task(), task(), task()];
    const results = tasks.map(({ run }) => queue.run(run));
    await settled();
    expect(tasks.map(({ isStarted }) => isStarted())).toEqual([true, true, false, false]);
    tasks[1]!.fail();
    await expect(results[1]).rejects.toThrow('broken');
    await settled();
    expect(tasks.map(({ isStarted }) => isStarted())).toEqual([true, true, true, false]);
    for (const { end } of tasks) end();
    expect(await Promise.all([results[0], results[2], results[3]])).toEqual(['done', 'done', 'done']);
  });

  it('refuses tasks while it is full, with the time of a retry, and takes them again afterwards', async () => {
    const queue = new BoundedQueue(1, 30, 50);
    const tasks = Array.from({ length: 31 }, task);
    const results = tasks.map(({ run }) => queue.run(run));
    const refused = await queue.run(task().run).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PasswordsBusy);
    expect((refused as PasswordsBusy).retryAfterS).toBe(2);
    for (const { end } of tasks) end();
    await Promise.all(results);
    expect(await queue.run(() => Promise.resolve('again'))).toBe('again');
  });
});

import { expect, it } from '@jest/globals';
import { BodiesBusy, BodyMemory } from './body-memory.js';

const memoryOf = (waitMs: number) => new BodyMemory({ totalBytes: 100, callerBytes: 60, waitMs });

it('bodies up to the limits get their memory at once', () => {
  const memory = memoryOf(1_000);
  expect(memory.lease('a').grow(60)).toBe(true);
  expect(memory.lease('b').grow(40)).toBe(true);
});

it('a body over the limit of its caller or of all waits until others are released, in order', async () => {
  const memory = memoryOf(10_000);
  const [first, second, third] = [memory.lease('a'), memory.lease('a'), memory.lease('b')];
  expect(first.grow(50)).toBe(true);
  const order: string[] = [];
  const waits = [
    Promise.resolve(second.grow(20)).then(() => order.push('second')),
    Promise.resolve(third.grow(60)).then(() => order.push('third')),
  ];
  await Promise.resolve();
  expect(order).toEqual([]);
  first.release();
  await Promise.all(waits);
  expect(order).toEqual(['second', 'third']);
});

it('a body that waits too long is refused, and its memory is free again', async () => {
  const memory = memoryOf(5);
  const [first, second] = [memory.lease('a'), memory.lease('a')];
  expect(first.grow(60)).toBe(true);
  await expect(second.grow(1)).rejects.toEqual(new BodiesBusy());
  second.release();
  first.release();
  expect(memory.lease('a').grow(60)).toBe(true);
});

it('memory that is granted to a body after its end is returned', async () => {
  const memory = memoryOf(10_000);
  const [first, second] = [memory.lease('a'), memory.lease('a')];
  expect(first.grow(60)).toBe(true);
  const granted = second.grow(60);
  second.release();
  first.release();
  await granted;
  expect(memory.lease('a').grow(60)).toBe(true);
});

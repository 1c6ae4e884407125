import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Coalescer } from './coalescer.js';

describe('Coalescer', () => {
  let runs = 0;
  let overlapping = 0;
  let endRun: () => void;
  let endDelay: () => void;

  const action = async (): Promise<void> => {
    runs++;
    overlapping++;
    expect(overlapping).toBe(1);
    await new Promise<void>((resolve) => (endRun = resolve));
    overlapping--;
  };
  const delay = () => new Promise<void>((resolve) => (endDelay = resolve));

  beforeEach(() => {
    runs = 0;
    overlapping = 0;
  });

  it('runs the action once for a request', async () => {
    const coalescer = new Coalescer(action);
    coalescer.request();
    await nextTurn();
    endRun();
    await nextTurn();
    expect(runs).toBe(1);
  });

  it('runs the action exactly once more for all requests during a run', async () => {
    const coalescer = new Coalescer(action);
    coalescer.request();
    await nextTurn();
    for (let request = 0; request < 3; request++) coalescer.request();
    expect(runs).toBe(1);
    endRun();
    await nextTurn();
    expect(runs).toBe(2);
    endRun();
    await nextTurn();
    expect(runs).toBe(2);
  });

  it('combines the requests during the delay into one run', async () => {
    const coalescer = new Coalescer(action, delay);
    for (let request = 0; request < 3; request++) coalescer.request();
    await nextTurn();
    expect(runs).toBe(0);
    endDelay();
    await nextTurn();
    expect(runs).toBe(1);
    endRun();
    await nextTurn();
    expect(runs).toBe(1);
  });

  it('runs again for a request after the last run has ended', async () => {
    const coalescer = new Coalescer(action);
    for (const expected of [1, 2, 3]) {
      coalescer.request();
      await nextTurn();
      expect(runs).toBe(expected);
      endRun();
      await nextTurn();
    }
  });
});

import { describe, expect, it } from '@jest/globals';
import { Throughput } from './throughput.js';

function rate() {
  const clock = { nowMs: 5_000 };
  const drain = new Throughput(() => clock.nowMs);
  const drainFor = (seconds: number, perS: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.nowMs += 1_000;
      drain.add(perS);
    }
  };
  return { clock, drain, drainFor };
}

describe('Throughput', () => {
  it('is zero before the first completion', () => {
    expect(rate().drain.perS()).toBe(0);
  });

  it.each([1, 3, 30, 300])('is the speed after %d seconds of it', (seconds) => {
    const { drain, drainFor } = rate();
    drainFor(seconds, 40);
    expect(drain.perS()).toBeGreaterThan(35);
    expect(drain.perS()).toBeLessThan(45);
  });

  it('follows a change and decays', () => {
    const { clock, drain, drainFor } = rate();
    drainFor(60, 100);
    drainFor(30, 10);
    expect(drain.perS()).toBeLessThan(20);
    clock.nowMs += 120_000;
    expect(drain.perS()).toBeLessThan(0.01);
  });
});

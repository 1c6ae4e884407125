import { describe, expect, it } from '@jest/globals';
import { LEASE_MS, schedule } from './schedule.js';

const MINUTE_MS = 60_000;
const SEEDS = Array.from({ length: 100 }, (_, index) => index * 7_919);
const EVERY_KIND = [
  'kill api',
  'kill worker',
  'freeze worker',
  'clock-jump',
  'redis-kill',
  'redis-flush',
  'redis-unreachable',
  'postgres-restart fast',
  'postgres-restart immediate',
  'store-full',
  'store-away',
  'queue-pause',
];

describe('schedule', () => {
  it('depends only on the seed', () => {
    expect(schedule(7, 10 * MINUTE_MS)).toEqual(schedule(7, 10 * MINUTE_MS));
    expect(schedule(7, 10 * MINUTE_MS)).not.toEqual(schedule(8, 10 * MINUTE_MS));
  });

  it('has every kind of fault within two minutes for every seed', () => {
    for (const seed of SEEDS) {
      const met = schedule(seed, 2 * MINUTE_MS).map((fault) => Object.values(fault).join(' '));
      const missing = EVERY_KIND.filter((kind) => !met.some((fault) => fault.startsWith(kind)));
      expect({ seed, missing }).toEqual({ seed, missing: [] });
    }
  });

  it('is in order of time, ends before the run does, and freezes workers for longer than a lease', () => {
    for (const planned of SEEDS.map((seed) => schedule(seed, 5 * MINUTE_MS))) {
      const times = planned.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(planned.filter(({ atMs, forMs }) => atMs + forMs > 5 * MINUTE_MS)).toEqual([]);
      expect(planned.filter(({ kind, forMs }) => kind === 'freeze' && forMs <= LEASE_MS)).toEqual([]);
    }
  });

  it('never overlaps two faults of one process', () => {
    for (const planned of SEEDS.map((seed) => schedule(seed, 10 * MINUTE_MS))) {
      const endsAtMs = new Map<string, number>();
      for (const fault of planned.filter((one) => 'process' in one)) {
        expect(fault.atMs).toBeGreaterThan(endsAtMs.get(fault.process) ?? 0);
        endsAtMs.set(fault.process, fault.atMs + fault.forMs);
      }
    }
  });
});

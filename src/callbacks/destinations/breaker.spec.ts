import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Breaker,
  type BreakerEvent,
  CLOSED,
  FAILURES_TO_OPEN,
  FIRST_OPEN_MS,
  LONGEST_OPEN_MS,
  PROBE_PATIENCE_MS,
  admits,
  breaker,
} from './breaker.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const after = (ms: number): Date => new Date(NOW.getTime() + ms);

/** The state after events at one time. */
const stateAfter = (events: BreakerEvent[], at = NOW, from = CLOSED): Breaker =>
  events.reduce((state, event) => breaker(state, event, at), from);
const burst = (count: number): BreakerEvent[] => Array.from({ length: count }, () => 'failure');

const ALMOST = stateAfter(burst(FAILURES_TO_OPEN - 1));
const OPEN = stateAfter(burst(FAILURES_TO_OPEN));
const HALF_OPEN = breaker(OPEN, 'probe', after(FIRST_OPEN_MS));

describe('breaker', () => {
  it.each([
    ['closed', 'success', CLOSED, NOW, { state: 'closed', failures: 0 }],
    ['closed', 'failure', CLOSED, NOW, { state: 'closed', failures: 1, openedAt: null }],
    ['closed', 'probe', CLOSED, NOW, { state: 'closed', failures: 0 }],
    ['almost open', 'success', ALMOST, NOW, { state: 'closed', failures: 0 }],
    ['almost open', 'failure', ALMOST, NOW, { state: 'open', openings: 1, openedAt: NOW, openUntil: after(2_000) }],
    ['open', 'failure', OPEN, after(1), { state: 'open', openings: 1, openUntil: after(2_000) }],
    ['open', 'success', OPEN, after(1), { state: 'closed', failures: 0, openings: 0, openedAt: null }],
    ['open, too early', 'probe', OPEN, after(1_999), { state: 'open', openUntil: after(2_000) }],
    ['open, when due', 'probe', OPEN, after(2_000), { state: 'half_open', openedAt: NOW }],
    ['half open', 'probe', HALF_OPEN, after(3_000), { state: 'half_open', openUntil: HALF_OPEN.openUntil }],
    ['half open', 'success', HALF_OPEN, after(3_000), { state: 'closed', failures: 0, openings: 0 }],
    ['half open', 'failure', HALF_OPEN, after(3_000), { state: 'open', openings: 2, openUntil: after(7_000) }],
    [
      'half open, after the timeout of the probe',
      'probe',
      HALF_OPEN,
      after(FIRST_OPEN_MS + PROBE_PATIENCE_MS),
      { state: 'half_open', openUntil: after(FIRST_OPEN_MS + 2 * PROBE_PATIENCE_MS) },
    ],
  ] as [string, BreakerEvent, Breaker, Date, Partial<Breaker>][])('%s, %s', (_, event, from, at, expected) => {
    expect(breaker(from, event, at)).toMatchObject(expected);
  });

  it('doubles its open time with each opening, up to a limit', () => {
    let state = OPEN;
    let at = NOW;
    const openMs: number[] = [];
    for (let n = 0; n < 7; n++) {
      openMs.push(state.openUntil!.getTime() - at.getTime());
      at = state.openUntil!;
      state = stateAfter(['probe', 'failure'], at, state);
    }
    expect(openMs).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, LONGEST_OPEN_MS, LONGEST_OPEN_MS]);
    expect(state.openedAt).toEqual(NOW);
  });

  it('admits all attempts, none, or a probe', () => {
    expect(admits(CLOSED, NOW)).toBe('all');
    expect(admits(OPEN, after(1_999))).toBe('none');
    expect(admits(OPEN, after(2_000))).toBe('probe');
    expect(admits(HALF_OPEN, after(2_001))).toBe('none');
    expect(admits(HALF_OPEN, HALF_OPEN.openUntil!)).toBe('probe');
  });

  const step = fc.record({
    event: fc.constantFrom<BreakerEvent>('success', 'failure', 'probe'),
    afterMs: fc.integer({ min: 0, max: 90_000 }),
  });

  it('for any events: opens only after a burst, up to the limit, and closes with any success', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state = CLOSED;
        let atMs = 0;
        let inARow = 0;
        for (const { event, afterMs } of steps) {
          atMs += afterMs;
          const before = state;
          state = breaker(state, event, after(atMs));
          inARow = event === 'success' ? 0 : inARow + Number(event === 'failure');
          expect(state.failures).toBe(inARow);
          expect(state.state === 'closed').toBe(inARow < FAILURES_TO_OPEN);
          expect(state.openedAt === null).toBe(state.state === 'closed');
          if (state.state === 'open' && state !== before) {
            expect(state.openUntil!.getTime()).toBeLessThanOrEqual(after(atMs + LONGEST_OPEN_MS).getTime());
          }
          // Of concurrent requests for the probe, one is granted.
          if (event === 'probe' && state !== before) expect(breaker(state, 'probe', after(atMs))).toBe(state);
        }
      }),
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { type DeliveryProgress, callbackState } from './callback-state.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 2, 1, 12, 0, second));
const CLOSED = { state: null, failures: null, openedAt: null, openUntil: null };
const OPEN = { state: 'open' as const, failures: 12, openedAt: at(0), openUntil: at(20) };
const DELIVERY: DeliveryProgress = {
  destination: 'http://a.test:80',
  status: 'PENDING',
  attempts: 0,
  error: null,
  nextAttemptAt: at(10),
  ...CLOSED,
};

describe('the state of a callback', () => {
  it('has no next attempt when it has ended, whatever was scheduled', () => {
    const failed = callbackState({ ...DELIVERY, status: 'FAILED', attempts: 3, error: 'All 3 attempts failed' });
    expect(failed).toEqual({ status: 'FAILED', attempts: 3, error: 'All 3 attempts failed', nextAttemptAt: null });
    expect(callbackState({ ...DELIVERY, status: 'SUCCESS' }).nextAttemptAt).toBeNull();
  });

  it('has the time of its schedule, unless it waits for a breaker for longer', () => {
    expect(callbackState(DELIVERY)).toMatchObject({ error: null, nextAttemptAt: at(10) });
    const later = callbackState({ ...DELIVERY, ...OPEN, nextAttemptAt: at(30), error: 'Attempt 1 of 4 failed' });
    expect(later).toMatchObject({ error: 'Attempt 1 of 4 failed', nextAttemptAt: at(30) });
  });

  it('says that it waits for a breaker, and the time of the next probe', () => {
    expect(callbackState({ ...DELIVERY, ...OPEN })).toEqual({
      status: 'PENDING',
      attempts: 0,
      error:
        'http://a.test:80 has failed 12 times in a row, and its breaker is open since 2026-03-01T12:00:00.000Z. ' +
        'It is tried again when the breaker lets a probe through',
      nextAttemptAt: at(20),
    });
    const probed = callbackState({ ...DELIVERY, ...OPEN, state: 'half_open', error: 'Attempt 1 of 4 failed' });
    expect(probed.error).toMatch(/A probe is in flight\. Attempt 1 of 4 failed$/);
  });
});

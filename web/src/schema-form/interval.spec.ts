import { describe, expect, it } from 'vitest';
import { instantNow, monthBefore, monthSoFar, readerZone, yearSoFar } from './interval';

const AT = new Date(2026, 0, 15, 12, 30, 15, 500);

describe('an interval to begin with', () => {
  it('is this month up to the second, in the reader’s zone', () => {
    const to = new Date(2026, 0, 15, 12, 30, 15).toISOString().replace('.000', '');
    expect(monthSoFar(AT)).toEqual({ from: '2026-01-01', to, timezone: readerZone() });
    expect(yearSoFar(new Date(2026, 6, 1))).toMatchObject({ from: '2026-01-01' });
  });

  it('is the whole month before, over the turn of a year too', () => {
    expect(monthBefore(AT)).toMatchObject({ from: '2025-12-01', to: '2026-01-01' });
  });

  it('does not end after the now of the service', () => {
    expect(instantNow('2020-01-01T00:00:00.000Z').toISOString()).toBe('2020-01-01T00:00:00.000Z');
    expect(instantNow('2999-01-01T00:00:00.000Z').getTime()).toBeLessThanOrEqual(Date.now());
    expect(instantNow(null).getTime()).toBeLessThanOrEqual(Date.now());
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PERIODS, intervalOf } from './period.js';

const of = (period: (typeof PERIODS)[number], due: string, timezone = 'UTC') => {
  const { from, to } = intervalOf(period, new Date(due), timezone);
  return `${from} ${to}`;
};

describe('the interval of a report', () => {
  it('is the day, week or month before the one in which it is due', () => {
    // A Wednesday.
    expect(of('previous_day', '2026-04-01T06:00:00Z')).toBe('2026-03-31 2026-04-01');
    expect(of('previous_week', '2026-04-01T06:00:00Z')).toBe('2026-03-23 2026-03-30');
    expect(of('previous_month', '2026-04-01T06:00:00Z')).toBe('2026-03-01 2026-04-01');
    expect(of('previous_month', '2026-01-31T06:00:00Z')).toBe('2025-12-01 2026-01-01');
  });

  it('begins with Monday for a week', () => {
    expect(of('previous_week', '2026-03-29T23:59:00Z')).toBe('2026-03-16 2026-03-23');
    expect(of('previous_week', '2026-03-30T00:00:00Z')).toBe('2026-03-23 2026-03-30');
  });

  it('is one of local days', () => {
    expect(of('previous_day', '2026-04-01T06:00:00Z', 'Pacific/Kiritimati')).toBe('2026-03-31 2026-04-01');
    expect(of('previous_day', '2026-04-01T06:00:00Z', 'America/Los_Angeles')).toBe('2026-03-30 2026-03-31');
    expect(of('previous_month', '2026-04-01T06:00:00Z', 'America/Los_Angeles')).toBe('2026-02-01 2026-03-01');
  });

  it('ends at the due time for the month to date, and is never empty', () => {
    expect(of('month_to_date', '2026-04-15T06:00:00Z')).toBe('2026-04-01 2026-04-15T06:00:00.000Z');
    expect(of('month_to_date', '2026-04-01T06:00:00Z')).toBe('2026-04-01 2026-04-01T06:00:00.000Z');
    expect(of('month_to_date', '2026-04-01T00:00:00Z')).toBe('2026-03-01 2026-04-01T00:00:00.000Z');
    expect(of('month_to_date', '2026-03-31T22:00:00Z', 'Europe/Zurich')).toBe('2026-03-01 2026-03-31T22:00:00.000Z');
  });

  it('never ends after the due time', () => {
    const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
    const times = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2037, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...PERIODS), times, zones, (period, ms, timezone) => {
        const { from, to } = intervalOf(period, new Date(ms), timezone);
        const dateAt = (at: number): string => new Intl.DateTimeFormat('sv-SE', { timeZone: timezone }).format(at);
        if (to === new Date(ms).toISOString()) expect(from <= dateAt(ms - 1)).toBe(true);
        else expect([from < to, to <= dateAt(ms)]).toEqual([true, true]);
      }),
    );
  });
});

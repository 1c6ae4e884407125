import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { InvalidInput } from '../http/validation.js';
import { defineReport } from '../reports/define-report.js';
import { type ScheduledReport, ScheduledReports } from './scheduled-report.js';

const interval = { from: z.string(), to: z.string() };
const definitions = [
  defineReport({
    type: 'ledger',
    title: 'Over an interval of local days',
    params: z.strictObject({
      ...interval,
      timezone: z.string().default('UTC'),
      currency: z.string().length(3).optional(),
    }),
    compute: (params) => params,
  }),
  defineReport({
    type: 'instants',
    title: 'Over an interval without a time zone',
    params: z.strictObject(interval),
    compute: (params) => params,
  }),
  defineReport({
    type: 'plain',
    title: 'Without an interval',
    params: z.strictObject({ rows: z.int().min(1), timezone: z.string().default('UTC') }),
    compute: (params) => params,
  }),
];
const reports = new ScheduledReports(new Map(definitions.map((definition) => [definition.type, definition])));
const AT = new Date('2026-04-01T04:00:00Z');

const schedule = (more: Partial<ScheduledReport>): ScheduledReport => ({
  report: 'ledger',
  payload: {},
  period: 'previous_month',
  timezone: 'Europe/Zurich',
  lane: 'monthly',
  callback_url: null,
  format: null,
  compress: null,
  ...more,
});

function refused(more: Partial<ScheduledReport>): Record<string, string> {
  try {
    reports.requestOf(schedule(more), AT);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return Object.fromEntries(error.issues.map(({ path, message }) => [path, message]));
  }
  return {};
}

describe('the request of a scheduled report', () => {
  it('has the interval of its period and the time zone of its schedule', () => {
    expect(reports.requestOf(schedule({ payload: { currency: 'CHF' } }), AT)).toMatchObject({
      report: 'ledger',
      params: { from: '2026-03-01', to: '2026-04-01', timezone: 'Europe/Zurich', currency: 'CHF' },
      lane: 'monthly',
      callbackUrl: null,
      format: 'json',
    });
    const { params } = reports.requestOf(schedule({ report: 'instants', period: 'month_to_date' }), AT);
    expect(params).toEqual({ from: '2026-04-01', to: '2026-04-01T04:00:00.000Z' });
  });

  it('has the parameters of the schedule alone, for a report without an interval', () => {
    const plain = { report: 'plain', payload: { rows: 5 } };
    expect(reports.requestOf(schedule(plain), AT).params).toEqual({ rows: 5, timezone: 'UTC' });
    expect(reports.requestOf(schedule({ ...plain, period: null }), AT).params).toEqual({ rows: 5, timezone: 'UTC' });
  });

  it('is refused with the paths of the schedule', () => {
    expect(refused({ report: 'other' })).toEqual({ report: expect.stringContaining('ledger, instants, plain') });
    expect(refused({ payload: { currency: 'EURO', since: 1 } })).toEqual({
      'payload.currency': expect.any(String),
      'payload.since': 'is not a parameter of this report',
    });
    expect(refused({ format: 'csv' })).toEqual({ format: expect.any(String) });
    expect(refused({ report: 'plain', payload: {} })).toEqual({ 'payload.rows': 'is required' });
  });

  it('is refused without a period, and with an interval of its own', () => {
    expect(refused({ period: null, payload: { currency: 1 } })).toEqual({
      period: 'is required for this report',
      'payload.currency': expect.any(String),
    });
    expect(refused({ payload: { from: '2026-01-01', to: '2026-02-01', timezone: 'UTC' } })).toEqual({
      'payload.from': 'comes from period; leave it out',
      'payload.to': 'comes from period; leave it out',
      'payload.timezone': 'is the timezone of the schedule; leave it out',
    });
    expect(refused({ payload: { timezone: 'Europe/Zurich' } })).toEqual({});
  });
});

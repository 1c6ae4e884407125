import { describe, expect, it } from 'vitest';
import type { ReportType } from '../generate/draft';
import { recurrenceWords } from './recurrence';
import { bodyOf, firstDraft, frequencyOf, ownFields } from './schedule-draft';

const typeOf = (type: string, columns: string[] | null, ...names: string[]): ReportType => ({
  type,
  title: type,
  formats: ['csv', 'jsonl'],
  params: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) },
  columns,
  data_available_from: null,
  data_available_until: null,
  estimated_bytes: null,
});
const TYPES = [
  typeOf('digest', null, 'input_data'),
  typeOf('trial-balance', ['currency'], 'from', 'to', 'timezone', 'currency'),
];
const [DIGEST, BALANCE] = TYPES as [ReportType, ReportType];

describe('the form of a schedule', () => {
  it('begins with a trial balance of the month before, on each first day', () => {
    const draft = { ...firstDraft(TYPES), name: ' Balances ', timezone: 'Europe/Zurich' };
    expect(bodyOf(draft, BALANCE)).toEqual({
      name: 'Balances',
      report: 'trial-balance',
      payload: {},
      period: 'previous_month',
      every: 'month',
      on: 1,
      at: '06:00',
      timezone: 'Europe/Zurich',
      callback_url: null,
    });
  });

  it('leaves the interval and the zone to the schedule', () => {
    expect(ownFields(BALANCE).map(({ name }) => name)).toEqual(['currency']);
    expect(ownFields(DIGEST).map(({ name }) => name)).toEqual(['input_data']);
    const draft = { ...firstDraft(TYPES), report: 'digest', compress: 'gzip', texts: { input_data: 'x' } };
    expect(bodyOf(draft, DIGEST)).not.toHaveProperty('period');
    expect(bodyOf(draft, DIGEST)).not.toHaveProperty('compress');
    expect(bodyOf(draft, DIGEST)).toMatchObject({ payload: { input_data: 'x' } });
    expect(bodyOf({ ...draft, report: 'trial-balance' }, BALANCE)).toMatchObject({ compress: 'gzip' });
  });

  it('has a day that suits the frequency', () => {
    const body = (text: string, on?: string) =>
      bodyOf({ ...firstDraft(TYPES), ...frequencyOf(text), ...(on !== undefined && { on }) }, BALANCE);
    expect(body('day')).not.toHaveProperty('on');
    expect(body('week').on).toBe('monday');
    expect(body('month').on).toBe(1);
    expect(body('month', 'last').on).toBe('last');
  });
});

describe('a recurrence in words', () => {
  it.each([
    ['day', null, 'Every day at 06:00'],
    ['week', 'friday', 'Every week on Friday at 06:00'],
    ['week', 7, 'Every week on Sunday at 06:00'],
    ['week', null, 'Every week on Monday at 06:00'],
    ['month', 31, 'Every month on day 31 at 06:00'],
    ['month', 'last', 'Every month on the last day at 06:00'],
  ] as const)('of %s on %s', (every, on, words) => {
    expect(recurrenceWords({ every, on, at: '06:00', timezone: 'UTC' })).toBe(words);
  });
});

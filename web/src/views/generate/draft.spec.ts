import { describe, expect, it } from 'vitest';
import { type Draft, type ReportType, bodiesOf, compresses, draftOf, searchOf, startOf } from './draft';

const TYPES: ReportType[] = ['digest', 'transactions'].map((type) => ({
  type,
  title: type,
  formats: ['csv'],
  params: { type: 'object', properties: { num_transactions: { type: 'integer' } } },
  columns: null,
  data_available_from: null,
  data_available_until: null,
  estimated_bytes: null,
}));

/** A report over the books. */
const JOURNAL: ReportType = {
  ...TYPES[0]!,
  type: 'journal',
  formats: ['csv', 'jsonl'],
  columns: ['number', 'memo'],
  params: {
    type: 'object',
    properties: {
      from: { type: 'string' },
      to: { type: 'string' },
      timezone: { type: 'string' },
      columns: { type: 'array', items: { enum: ['number', 'memo'] } },
    },
  },
};

const DRAFT: Draft = {
  report: 'transactions',
  format: '',
  compress: '',
  lane: ' a ',
  callback: '',
  texts: { num_transactions: '7' },
};

describe('the form of a report', () => {
  it('begins with an example that takes a moment', () => {
    expect(draftOf({}, TYPES)).toMatchObject({ report: 'transactions', texts: { num_transactions: '1000000' } });
  });

  it('is the one of the URL', () => {
    const search = searchOf(DRAFT, { run: 'x', 'p.old': '1' });
    expect(search).toEqual({
      report: 'transactions',
      format: '',
      compress: '',
      lane: ' a ',
      callback: '',
      'p.num_transactions': '7',
      'p.old': undefined,
    });
    expect(draftOf({ ...DRAFT, texts: undefined, 'p.num_transactions': '7' }, TYPES)).toEqual(DRAFT);
  });

  it('without parameters in the URL has none', () => {
    expect(draftOf({ report: 'transactions' }, TYPES).texts).toEqual({});
  });

  it('begins with this month so far for a report over an interval', () => {
    const { from, to, timezone } = startOf({ ...JOURNAL, data_available_until: '2026-01-15T12:00:00.750Z' });
    expect([from, to]).toEqual(['2026-01-01', '2026-01-15T12:00:00Z']);
    expect(timezone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it('sends format, compression and columns as they were chosen', () => {
    const texts = { from: '2026-01-01', to: '2026-02-01', columns: 'memo,number' };
    const draft = { ...DRAFT, report: 'journal', format: 'jsonl', compress: 'gzip', texts };
    expect(bodiesOf(draft, JOURNAL).sync).toEqual({
      report: 'journal',
      format: 'jsonl',
      compress: 'gzip',
      payload: { from: '2026-01-01', to: '2026-02-01', columns: ['memo', 'number'] },
    });
    expect([compresses(JOURNAL), compresses(TYPES[0])]).toEqual([true, false]);
  });

  it('asks for no callback if its URL is empty, and sends lane and callback only async', () => {
    const { sync, async } = bodiesOf(DRAFT, TYPES[1]);
    expect(sync).toEqual({ report: 'transactions', payload: { num_transactions: 7 } });
    expect(async).toEqual({ ...sync, lane: 'a', callback_url: null });
  });
});

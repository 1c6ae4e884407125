import { describe, expect, it } from 'vitest';
import { type Draft, type ReportType, bodiesOf, draftOf, searchOf } from './draft';

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

const DRAFT: Draft = {
  report: 'transactions',
  format: '',
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

  it('asks for no callback if its URL is empty, and sends lane and callback only async', () => {
    const { sync, async } = bodiesOf(DRAFT, TYPES[1]);
    expect(sync).toEqual({ report: 'transactions', payload: { num_transactions: 7 } });
    expect(async).toEqual({ ...sync, lane: 'a', callback_url: null });
  });
});

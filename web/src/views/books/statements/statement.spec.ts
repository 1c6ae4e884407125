import { describe, expect, it } from 'vitest';
import { readerZone } from '../../../schema-form/interval';
import { bodyOf, centsOf, draftOf, searchOf, sectionsOf } from './statement';

const NOW = new Date(2026, 2, 15, 12);

describe('the form of a statement', () => {
  it('begins with the trial balance of this month', () => {
    const draft = draftOf({}, NOW);
    const { to, ...payload } = bodyOf(draft).payload;
    expect(bodyOf(draft)).toMatchObject({ report: 'trial-balance', format: 'jsonl' });
    expect(payload).toEqual({ from: '2026-03-01', timezone: readerZone() });
    expect(new Date(String(to)).getTime()).toBe(NOW.getTime());
  });

  it('is the one of the URL, and sends what the report takes', () => {
    const search = {
      report: 'account-statement',
      from: '2026-01-01',
      to: '2026-02-01',
      ledger_account: 'assets:cash',
      customer_id: 'c',
      through_entry: '7',
    };
    const draft = draftOf(search, NOW);
    const payload = { from: '2026-01-01', to: '2026-02-01', ledger_account: 'assets:cash', through_entry: 7 };
    expect(bodyOf(draft)).toEqual({ report: 'account-statement', format: 'jsonl', payload });
    expect(searchOf(draft)).toMatchObject({ through_entry: '7', customer_id: undefined, currency: undefined });
    expect(bodyOf({ ...draft, through_entry: 'x' }).payload).toMatchObject({ through_entry: 'x' });
  });
});

describe('the rows of a report', () => {
  const row = (ledger_account: string, currency: string, amount_cents: number) => ({
    ledger_account,
    currency,
    amount_cents,
  });
  const rows = [row('a', 'USD', 1), row('b', 'USD', 2), row('a', 'EUR', 3), row('a', 'USD', 4)];
  const amounts = (totals: Parameters<typeof sectionsOf>[1]) =>
    sectionsOf(rows, totals).map((section) => [section.title, section.rows.map((one) => centsOf(one, 'amount'))]);

  it('are apart by currency', () => {
    expect(amounts([{ currency: 'EUR' }, { currency: 'USD' }])).toEqual([
      ['EUR', [3]],
      ['USD', [1, 2, 4]],
    ]);
  });

  it('are apart by ledger account as well in the statement of a customer', () => {
    const totals = [row('a', 'EUR', 0), row('a', 'USD', 0), row('b', 'USD', 0), row('c', 'USD', 0)];
    expect(amounts(totals)).toEqual([
      ['a, EUR', [3]],
      ['a, USD', [1, 4]],
      ['b, USD', [2]],
      ['c, USD', []],
    ]);
  });
});

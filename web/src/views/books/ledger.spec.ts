import { describe, expect, it } from 'vitest';
import { differences, missing } from './ledger';

const line = (ledger_account: string, currency: string, amount_cents: number | null) => ({
  ledger_account,
  currency,
  amount_cents,
});

describe('an adjustment', () => {
  it('balances in each currency of its own', () => {
    const lines = [line('assets:cash', 'USD', 5), line('assets:bank', 'USD', -5), line('assets:cash', 'EUR', 3)];
    expect(differences(lines)).toEqual([
      { currency: 'USD', cents: 0 },
      { currency: 'EUR', cents: 3 },
    ]);
    expect(missing(lines)).toBe('balance');
  });

  it.each([
    ['an account', [line('', 'USD', 1), line('assets:bank', 'USD', -1)], 'accounts'],
    ['a currency', [line('assets:cash', 'US', 1), line('assets:bank', 'US', -1)], 'accounts'],
    ['an amount', [line('assets:cash', 'USD', null), line('assets:bank', 'USD', -1)], 'amounts'],
    ['nothing', [line('assets:cash', 'USD', 1), line('assets:bank', 'USD', -1)], null],
  ])('says that it needs %s', (_, lines, expected) => {
    expect(missing(lines)).toBe(expected);
  });
});

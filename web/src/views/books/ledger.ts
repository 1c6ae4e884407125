import { api } from '../../api/client';

/** @returns The ledger accounts and currencies of the books, sorted. */
export function useLedger(): { accounts: string[]; currencies: string[] } {
  const { data } = api.useQuery('get', '/api/journal/balances', {}, { staleTime: 30_000 });
  const balances = data?.balances ?? [];
  const distinct = (values: string[]): string[] => [...new Set(values)].toSorted();
  return {
    accounts: distinct(balances.map(({ ledger_account }) => ledger_account)),
    currencies: distinct(balances.map(({ currency }) => currency)),
  };
}

/** One line of an adjustment as it is typed. */
export interface TypedLine {
  ledger_account: string;
  currency: string;
  /** Minor units, positive for a debit; null while it is no amount. */
  amount_cents: number | null;
}

/** @returns By how much debits and credits differ, for each currency. An entry needs 0 everywhere. */
export function differences(lines: readonly TypedLine[]): { currency: string; cents: number }[] {
  const sums = new Map<string, number>();
  for (const { currency, amount_cents } of lines)
    if (currency !== '') sums.set(currency, (sums.get(currency) ?? 0) + (amount_cents ?? 0));
  return [...sums].map(([currency, cents]) => ({ currency, cents }));
}

/** @returns What an entry still needs before it can be posted, null if nothing. */
export function missing(lines: readonly TypedLine[]): 'accounts' | 'amounts' | 'balance' | null {
  if (lines.some(({ ledger_account, currency }) => ledger_account === '' || currency.length !== 3)) return 'accounts';
  if (lines.some(({ amount_cents }) => !amount_cents)) return 'amounts';
  return differences(lines).some(({ cents }) => cents !== 0) ? 'balance' : null;
}

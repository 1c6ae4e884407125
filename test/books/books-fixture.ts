import { v7 as uuidv7 } from 'uuid';
import type { NewEntry, NewLine, Posted } from '../../src/books/journal/journal-entry.js';
import { BalancesService } from '../../src/books/journal/balances/balances.service.js';
import { BalancesStore } from '../../src/books/journal/balances/balances.store.js';
import { FoldsStore } from '../../src/books/journal/balances/folds.store.js';
import { JournalStore } from '../../src/books/journal/journal.store.js';
import type { Stores } from '../support/stores.js';

const posting = new JournalStore();

/** A transfer between two ledger accounts. */
export function transfer(amountCents: number, more: Partial<NewEntry> = {}, currency = 'USD'): NewEntry {
  const lines: NewLine[] = [
    { ledgerAccount: 'assets:cash', currency, amountCents },
    { ledgerAccount: 'income:orders', currency, amountCents: -amountCents },
  ];
  return { effectiveAt: new Date(), kind: 'adjustment', lines, ...more };
}

/** Posts entries in a new transaction. */
export async function postEntries(
  { database }: Pick<Stores, 'database'>,
  account: string,
  entries: NewEntry[],
): Promise<(Posted | null)[]> {
  let posted: (Posted | null)[] = [];
  await database.transaction(async (query) => {
    posted = await posting.post(query, account, entries);
    return true;
  });
  return posted;
}

/** Returns the id of new books, so that tests do not share entries. */
export const newBooks = (): string => uuidv7();

/** Returns the services that read and fold balances. */
export function balancesOf({ database }: Pick<Stores, 'database'>) {
  const folds = new FoldsStore(database);
  const service = new BalancesService(database, new BalancesStore(), folds);
  return { folds, service };
}

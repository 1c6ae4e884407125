import { v7 as uuidv7 } from 'uuid';
import type { NewEntry, NewLine, Posted } from '../../src/books/journal/journal-entry.js';
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

/** Posts entries in a transaction of their own. */
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

/** Books of their own: whatever other tests post is in other ones. */
export const newBooks = (): string => uuidv7();

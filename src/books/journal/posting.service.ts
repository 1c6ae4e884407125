import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';
import type { NewEntry, Posted } from './journal-entry.js';
import { JournalStore, type Reversals } from './journal.store.js';

/** The journal for features outside the books. Every method runs in the caller's transaction. */
@Injectable()
export class PostingService {
  constructor(private readonly journal: JournalStore) {}

  /** @see JournalStore.post */
  post(query: Query, account: string, entries: readonly NewEntry[]): Promise<(Posted | null)[]> {
    return this.journal.post(query, account, entries);
  }

  /** @see JournalStore.findNumber */
  findNumber(query: Query, account: string, sourceId: string, kind: string): Promise<number | null> {
    return this.journal.findNumber(query, account, sourceId, kind);
  }

  /** @see JournalStore.reverseAll */
  reverseAll(query: Query, account: string, reversals: Reversals): Promise<number> {
    return this.journal.reverseAll(query, account, reversals);
  }
}

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type Repository, type SelectQueryBuilder } from 'typeorm';
import { JournalEntry } from './journal-entry.entity.js';
import { JournalLine } from './journal-line.entity.js';

export interface EntryFilter {
  /** Of the books, see `storedAccount`. */
  account: string;
  from?: Date;
  /** Exclusive. */
  to?: Date;
  ledgerAccount?: string;
  throughEntry?: number;
}

/** Where a page begins: after this entry, in the order of the list. */
export type EntryPlace = Pick<JournalEntry, 'number'> & Partial<Pick<JournalEntry, 'effectiveAt'>>;

/** Whether a list is ordered by the time at which entries count; else it is ordered by their numbers. */
export const isByTime = ({ from, to }: Pick<EntryFilter, 'from' | 'to'>): boolean =>
  from !== undefined || to !== undefined;

/** The posted entries. `JournalStore` writes them. */
@Injectable()
export class EntriesRepository {
  constructor(
    @InjectRepository(JournalEntry) private readonly entries: Repository<JournalEntry>,
    @InjectRepository(JournalLine) private readonly lines: Repository<JournalLine>,
  ) {}

  find(account: string, number: number): Promise<JournalEntry | null> {
    return this.entries.findOneBy({ accountId: account, number });
  }

  /**
   * @param after The last entry of the page before.
   * @returns Up to `limit` entries, newest first: by the time at which they count if that is filtered, else by number. Each
   *   order has an index in which the filter is a range.
   */
  list(filter: EntryFilter, after: EntryPlace | undefined, limit: number): Promise<JournalEntry[]> {
    const { account, ledgerAccount, throughEntry } = filter;
    const query = this.entries.createQueryBuilder('e').where('e.account_id = :account', { account });
    if (throughEntry !== undefined) query.andWhere('e.number <= :throughEntry', { throughEntry });
    if (ledgerAccount !== undefined) {
      const lines = `SELECT FROM journal_lines l
        WHERE l.account_id = e.account_id AND l.number = e.number AND l.ledger_account = :ledgerAccount`;
      query.andWhere(`EXISTS (${lines})`, { ledgerAccount });
    }
    inOrder(query, filter, after);
    return query.limit(limit).getMany();
  }

  /** @returns The lines of entries, in the order of entries and lines. */
  linesOf(account: string, numbers: readonly number[]): Promise<JournalLine[]> {
    return this.lines.find({
      where: { accountId: account, number: In(numbers) },
      order: { number: 'ASC', line: 'ASC' },
    });
  }
}

function inOrder(query: SelectQueryBuilder<JournalEntry>, filter: EntryFilter, after: EntryPlace | undefined): void {
  const { from, to } = filter;
  if (!isByTime(filter)) {
    if (after) query.andWhere('e.number < :afterNumber', { afterNumber: after.number });
    query.orderBy('e.number', 'DESC');
    return;
  }
  if (from) query.andWhere('e.effective_at >= :from', { from });
  if (to) query.andWhere('e.effective_at < :to', { to });
  if (after) {
    const place = { afterTime: after.effectiveAt, afterNumber: after.number };
    query.andWhere('(e.effective_at, e.number) < (:afterTime, :afterNumber)', place);
  }
  query.orderBy('e.effectiveAt', 'DESC').addOrderBy('e.number', 'DESC');
}

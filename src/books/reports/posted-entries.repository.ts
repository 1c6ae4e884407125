import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { PostedEntries } from '../../reports/posted-entries.js';
import { Customer } from '../customers/customer.entity.js';
import { JournalCounter } from '../journal/journal-counter.entity.js';
import { JournalEntry } from '../journal/journal-entry.entity.js';

/** Answers from the tables of the journal. */
@Injectable()
export class PostedEntriesRepository extends PostedEntries {
  constructor(
    @InjectRepository(JournalCounter) private readonly counters: Repository<JournalCounter>,
    @InjectRepository(JournalEntry) private readonly entries: Repository<JournalEntry>,
    @InjectRepository(Customer) private readonly customers: Repository<Customer>,
  ) {
    super();
  }

  override async newest(accountId: string): Promise<number> {
    return (await this.counters.findOneBy({ accountId }))?.lastNumber ?? 0;
  }

  override async earliestEffectiveAt(accountId: string): Promise<Date | null> {
    const order = { effectiveAt: 'ASC', number: 'ASC' } as const;
    const [first] = await this.entries.find({ where: { accountId }, order, take: 1 });
    return first?.effectiveAt ?? null;
  }

  override hasCustomer(accountId: string, id: string): Promise<boolean> {
    return this.customers.existsBy({ accountId, id });
  }
}

import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RequestsModule } from '../../requests/requests.module.js';
import { BalancesService } from './balances/balances.service.js';
import { BalancesStore } from './balances/balances.store.js';
import { FoldsStore } from './balances/folds.store.js';
import { EntriesRepository } from './entries.repository.js';
import { JournalEntry } from './journal-entry.entity.js';
import { JournalLine } from './journal-line.entity.js';
import { JournalService } from './journal.service.js';
import { JournalStore } from './journal.store.js';
import { JournalSweep } from './journal.sweep.js';
import { LineCustomersStore } from './line-customers.store.js';
import { PeriodsService } from './periods/periods.service.js';
import { PeriodsStore } from './periods/periods.store.js';
import { PostingService } from './posting.service.js';

/** The journal: the API posts to it and reads it, and the workers fold its totals. */
@Module({
  imports: [TypeOrmModule.forFeature([JournalEntry, JournalLine]), RequestsModule],
  providers: [
    JournalStore,
    EntriesRepository,
    LineCustomersStore,
    BalancesStore,
    FoldsStore,
    BalancesService,
    JournalService,
    PeriodsStore,
    PeriodsService,
    JournalSweep,
    PostingService,
  ],
  exports: [JournalStore, JournalService, BalancesService, PeriodsService, PostingService],
})
export class JournalModule {}

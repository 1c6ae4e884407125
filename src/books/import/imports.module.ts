import { Module } from '@nestjs/common';
import { CustomerTotalsStore } from '../customers/customer-totals.store.js';
import { JournalModule } from '../journal/journal.module.js';
import { BatchStore } from './batch.store.js';
import { BatchesService } from './batches.service.js';
import { ImportsService } from './imports.service.js';
import { ImportsStore } from './imports.store.js';
import { ImportsSweep } from './imports.sweep.js';

/** Imports of orders: the API runs them, and the workers delete old ones. */
@Module({
  imports: [JournalModule],
  providers: [ImportsStore, BatchStore, CustomerTotalsStore, BatchesService, ImportsService, ImportsSweep],
  exports: [ImportsService],
})
export class ImportsModule {}

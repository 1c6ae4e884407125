import { Module } from '@nestjs/common';
import { JournalController } from './journal/journal.controller.js';
import { JournalModule } from './journal/journal.module.js';
import { PeriodsController } from './journal/periods/periods.controller.js';
import { OrdersModule } from './orders/orders.module.js';
import { SeedModule } from './seed/seed.module.js';

/** The books over HTTP. Separate from the modules of their parts, because a worker has no API. */
@Module({ imports: [JournalModule, OrdersModule, SeedModule], controllers: [JournalController, PeriodsController] })
export class BooksModule {}

import { Module } from '@nestjs/common';
import { ImportsController } from './import/imports.controller.js';
import { ImportsModule } from './import/imports.module.js';
import { JournalController } from './journal/journal.controller.js';
import { JournalModule } from './journal/journal.module.js';
import { PeriodsController } from './journal/periods/periods.controller.js';
import { OrdersModule } from './orders/orders.module.js';
import { SeedModule } from './seed/seed.module.js';

/**
 * The books over HTTP. Separate from the modules of their parts, because a worker has no API. Its own controllers come before
 * those of its imports, so `/api/orders/imports` is not an order.
 */
@Module({
  imports: [JournalModule, ImportsModule, OrdersModule, SeedModule],
  controllers: [JournalController, PeriodsController, ImportsController],
})
export class BooksModule {}

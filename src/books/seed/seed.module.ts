import { Module } from '@nestjs/common';
import { RequestsModule } from '../../requests/requests.module.js';
import { JournalModule } from '../journal/journal.module.js';
import { SeedController } from './seed.controller.js';
import { SeedService } from './seed.service.js';
import { SeedStore } from './seed.store.js';
import { Seeder } from './seeder.js';

/** Generated books, for development. */
@Module({
  imports: [RequestsModule, JournalModule],
  controllers: [SeedController],
  providers: [SeedStore, Seeder, SeedService],
})
export class SeedModule {}

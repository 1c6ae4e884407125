import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BreakerStore } from './breaker.store.js';
import { CallbackDestination, CallbackDisabledUrl } from './callback-destination.entity.js';
import { DestinationRepository } from './destination.repository.js';

/** The state of destinations: their breakers, and disabled URLs. */
@Module({
  imports: [TypeOrmModule.forFeature([CallbackDestination, CallbackDisabledUrl])],
  providers: [BreakerStore, DestinationRepository],
  exports: [BreakerStore, DestinationRepository],
})
export class DestinationsModule {}

import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CallbackRedelivery } from './callback-redelivery.entity.js';
import { RedeliveriesService } from './redeliveries.service.js';
import { RedeliveryPace } from './redelivery-pace.entity.js';
import { RedeliveryRepository } from './redelivery.repository.js';
import { RedeliveryStore } from './redelivery.store.js';

/** Redelivery jobs: the API adds them, the workers carry them out. */
@Module({
  imports: [TypeOrmModule.forFeature([CallbackRedelivery, RedeliveryPace])],
  providers: [RedeliveryRepository, RedeliveryStore, RedeliveriesService],
  exports: [RedeliveriesService],
})
export class RedeliveriesModule {}

import { Module } from '@nestjs/common';
import { RedeliveriesService } from './redeliveries.service.js';
import { RedeliveryStore } from './redelivery.store.js';

/** The jobs that send callbacks again, for those who ask for them and those who carry them out. */
@Module({ providers: [RedeliveryStore, RedeliveriesService], exports: [RedeliveriesService] })
export class RedeliveriesModule {}

import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Breakers } from './destinations/breakers.js';
import { CallbackSenderModule } from './callback-sender.module.js';
import { CallbacksDispatcher } from './dispatch/callbacks.dispatcher.js';
import { CallbacksSweep } from './dispatch/callbacks.sweep.js';
import { CallbacksService } from './dispatch/callbacks.service.js';
import { CallbackLog } from './deliveries/callback-log.entity.js';
import { CallbackLogRepository } from './deliveries/callback-log.repository.js';
import { DeliveryStore } from './deliveries/delivery.store.js';
import { DestinationStore } from './destinations/destination.store.js';
import { DueStore } from './dispatch/due.store.js';
import { DispatchLeasesStore } from './dispatch/dispatch-leases.store.js';
import { RedeliveriesModule } from './redelivery/redeliveries.module.js';

/** Delivering callbacks: the worker's half of the feature. */
@Module({
  imports: [TypeOrmModule.forFeature([CallbackLog]), CallbackSenderModule, RedeliveriesModule],
  providers: [
    DueStore,
    DispatchLeasesStore,
    CallbackLogRepository,
    DeliveryStore,
    DestinationStore,
    Breakers,
    CallbacksService,
    CallbacksDispatcher,
    CallbacksSweep,
  ],
  exports: [CallbacksDispatcher, RedeliveriesModule],
})
export class CallbacksWorkerModule {}

import { Module } from '@nestjs/common';
import { Breakers } from './breakers.js';
import { CallbackSenderModule } from './callback-sender.module.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';
import { CallbacksService } from './callbacks.service.js';
import { DeliveryStore } from './delivery.store.js';
import { DestinationStore } from './destination.store.js';
import { DueStore } from './due.store.js';
import { SendersStore } from './senders.store.js';
import { RedeliveriesModule } from './redeliveries.module.js';

/** Delivering callbacks: the worker's half of the feature. */
@Module({
  imports: [CallbackSenderModule, RedeliveriesModule],
  providers: [DueStore, SendersStore, DeliveryStore, DestinationStore, Breakers, CallbacksService, CallbacksDispatcher],
  exports: [CallbacksDispatcher, RedeliveriesModule],
})
export class CallbacksWorkerModule {}

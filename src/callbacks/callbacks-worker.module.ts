import { Module } from '@nestjs/common';
import { CallbackSenderModule } from './callback-sender.module.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';
import { CallbacksService } from './callbacks.service.js';
import { DeliveryStore } from './delivery.store.js';
import { RedeliveriesModule } from './redeliveries.module.js';

/** Delivering callbacks: the worker's half of the feature. */
@Module({
  imports: [CallbackSenderModule, RedeliveriesModule],
  providers: [DeliveryStore, CallbacksService, CallbacksDispatcher],
  exports: [CallbacksDispatcher, RedeliveriesModule],
})
export class CallbacksWorkerModule {}

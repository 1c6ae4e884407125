import { Module } from '@nestjs/common';
import { RequestsModule } from '../requests/requests.module.js';
import { CallbackDeliveriesController } from './callback-deliveries.controller.js';
import { CallbackDeliveriesService } from './callback-deliveries.service.js';
import { DeliveryStore } from './delivery.store.js';

/** Callbacks over HTTP: looking at them and sending them again. */
@Module({
  imports: [RequestsModule],
  controllers: [CallbackDeliveriesController],
  providers: [DeliveryStore, CallbackDeliveriesService],
})
export class CallbacksApiModule {}

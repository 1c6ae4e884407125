import { Module } from '@nestjs/common';
import { RequestsModule } from '../requests/requests.module.js';
import { CallbackDeliveriesController } from './callback-deliveries.controller.js';
import { CallbackDeliveriesService } from './callback-deliveries.service.js';
import { CallbackSecretsController } from './callback-secrets.controller.js';
import { CallbackSecretsModule } from './callback-secrets.module.js';
import { CallbackSenderModule } from './callback-sender.module.js';
import { CallbackUrlModule } from './callback-url.module.js';
import { DeliveryStore } from './delivery.store.js';
import { DestinationStore } from './destination.store.js';
import { DestinationsController } from './destinations.controller.js';
import { DestinationsService } from './destinations.service.js';
import { PingService } from './ping.service.js';
import { RedeliveriesController } from './redeliveries.controller.js';
import { RedeliveriesModule } from './redeliveries.module.js';

/** Callbacks over HTTP: looking at them, sending them again, trying a receiver, and the secrets that they are signed with. */
@Module({
  imports: [RequestsModule, CallbackSecretsModule, CallbackSenderModule, CallbackUrlModule, RedeliveriesModule],
  controllers: [
    CallbackDeliveriesController,
    RedeliveriesController,
    DestinationsController,
    CallbackSecretsController,
  ],
  providers: [DeliveryStore, DestinationStore, CallbackDeliveriesService, DestinationsService, PingService],
})
export class CallbacksApiModule {}

import { Module } from '@nestjs/common';
import { RequestsModule } from '../requests/requests.module.js';
import { CallbackDeliveriesController } from './deliveries/callback-deliveries.controller.js';
import { CallbackDeliveriesService } from './deliveries/callback-deliveries.service.js';
import { CallbackSecretsController } from './signing/callback-secrets.controller.js';
import { CallbackSecretsModule } from './signing/callback-secrets.module.js';
import { CallbackSenderModule } from './callback-sender.module.js';
import { CallbackUrlModule } from './url-guard/callback-url.module.js';
import { DeliveryStore } from './deliveries/delivery.store.js';
import { DestinationStore } from './destinations/destination.store.js';
import { DestinationsController } from './destinations/destinations.controller.js';
import { DestinationsService } from './destinations/destinations.service.js';
import { PingService } from './deliveries/ping.service.js';
import { RedeliveriesController } from './redelivery/redeliveries.controller.js';
import { RedeliveriesModule } from './redelivery/redeliveries.module.js';

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

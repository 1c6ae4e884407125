import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RequestsModule } from '../requests/requests.module.js';
import { CallbackDeliveriesController } from './deliveries/callback-deliveries.controller.js';
import { CallbackDeliveriesService } from './deliveries/callback-deliveries.service.js';
import { CallbackSecretsController } from './signing/callback-secrets.controller.js';
import { CallbackSecretsModule } from './signing/callback-secrets.module.js';
import { CallbackSenderModule } from './callback-sender.module.js';
import { CallbackUrlModule } from './url-guard/callback-url.module.js';
import { CallbackDelivery } from './deliveries/callback-delivery.entity.js';
import { CallbackDeliveryRepository } from './deliveries/callback-delivery.repository.js';
import { CallbackJobsRepository } from './deliveries/callback-jobs.repository.js';
import { CallbackJobs } from './deliveries/callback-jobs.service.js';
import { DestinationsModule } from './destinations/destinations.module.js';
import { DestinationsController } from './destinations/destinations.controller.js';
import { DestinationsService } from './destinations/destinations.service.js';
import { PingService } from './deliveries/ping.service.js';
import { RedeliveriesController } from './redelivery/redeliveries.controller.js';
import { RedeliveriesModule } from './redelivery/redeliveries.module.js';

/** The HTTP API of callbacks: list, redeliver, ping a receiver, destinations, and signing secrets. */
@Module({
  imports: [
    TypeOrmModule.forFeature([CallbackDelivery]),
    RequestsModule,
    CallbackSecretsModule,
    CallbackSenderModule,
    DestinationsModule,
    CallbackUrlModule,
    RedeliveriesModule,
  ],
  controllers: [
    CallbackDeliveriesController,
    RedeliveriesController,
    DestinationsController,
    CallbackSecretsController,
  ],
  providers: [
    CallbackDeliveryRepository,
    CallbackDeliveriesService,
    CallbackJobsRepository,
    CallbackJobs,
    DestinationsService,
    PingService,
  ],
  exports: [CallbackJobs],
})
export class CallbacksApiModule {}

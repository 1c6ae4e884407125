import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Breakers } from './destinations/breakers.js';
import { CallbackSenderModule } from './callback-sender.module.js';
import { CallbackUrlModule } from './url-guard/callback-url.module.js';
import { CallbacksDispatcher } from './dispatch/callbacks.dispatcher.js';
import { CallbacksSweep } from './dispatch/callbacks.sweep.js';
import { CallbacksService } from './dispatch/callbacks.service.js';
import { CallbackLog } from './deliveries/callback-log.entity.js';
import { CallbackLogRepository } from './deliveries/callback-log.repository.js';
import { CallbackDelivery } from './deliveries/callback-delivery.entity.js';
import { CallbackDeliveryRepository } from './deliveries/callback-delivery.repository.js';
import { DestinationsModule } from './destinations/destinations.module.js';
import { DestinationClaims } from './dispatch/destination-claims.js';
import { DueDestinationsStore } from './leases/due-destinations.store.js';
import { ExpiredLeasesStore } from './leases/expired-leases.store.js';
import { UnresolvedDestinations } from './dispatch/postponing.js';
import { PostponementsStore } from './leases/postponements.store.js';
import { QueueLeasesStore } from './leases/queue-leases.store.js';
import { RequestsModule } from '../requests/requests.module.js';
import { RetryLeasesStore } from './leases/retry-leases.store.js';
import { RedeliveriesModule } from './redelivery/redeliveries.module.js';

/** Sends callbacks: the worker's part of the feature. */
@Module({
  imports: [
    TypeOrmModule.forFeature([CallbackDelivery, CallbackLog]),
    RequestsModule,
    CallbackSenderModule,
    CallbackUrlModule,
    DestinationsModule,
    RedeliveriesModule,
  ],
  providers: [
    DueDestinationsStore,
    QueueLeasesStore,
    RetryLeasesStore,
    ExpiredLeasesStore,
    PostponementsStore,
    UnresolvedDestinations,
    CallbackLogRepository,
    CallbackDeliveryRepository,
    Breakers,
    CallbacksService,
    DestinationClaims,
    CallbacksDispatcher,
    CallbacksSweep,
  ],
  exports: [CallbacksDispatcher, RedeliveriesModule],
})
export class CallbacksWorkerModule {}

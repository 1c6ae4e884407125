import { Module } from '@nestjs/common';
import { FinishedRequests } from './finished-requests.js';
import { FinishedRequestsStore } from './finished-requests.store.js';
import { IdempotencyService } from './idempotency/idempotency.service.js';
import { IdempotencyStore } from './idempotency/idempotency.store.js';
import { RemovalStore } from './removal.store.js';
import { RequestStore } from './request.store.js';
import { RequestsSweep } from './requests.sweep.js';
import { RequestsService } from './requests.service.js';
import { RetentionService } from './retention.service.js';

/** The request log. */
@Module({
  providers: [
    RequestStore,
    RemovalStore,
    IdempotencyStore,
    RequestsService,
    IdempotencyService,
    RetentionService,
    RequestsSweep,
    { provide: FinishedRequests, useClass: FinishedRequestsStore },
  ],
  exports: [RequestsService, IdempotencyService, RetentionService, FinishedRequests],
})
export class RequestsModule {}

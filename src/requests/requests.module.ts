import { Module } from '@nestjs/common';
import { Backlog } from '../jobs/accept/backlog.service.js';
import { BacklogStore } from '../jobs/accept/backlog.store.js';
import { IdempotencyService } from './idempotency/idempotency.service.js';
import { IdempotencyStore } from './idempotency/idempotency.store.js';
import { RemovalStore } from './removal.store.js';
import { RequestStore } from './request.store.js';
import { RequestsService } from './requests.service.js';
import { RetentionService } from './retention.service.js';

/** The request log. */
@Module({
  providers: [
    Backlog,
    BacklogStore,
    RequestStore,
    RemovalStore,
    IdempotencyStore,
    RequestsService,
    IdempotencyService,
    RetentionService,
  ],
  exports: [Backlog, RequestsService, IdempotencyService, RetentionService],
})
export class RequestsModule {}

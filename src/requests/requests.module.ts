import { Module } from '@nestjs/common';
import { IdempotencyService } from './idempotency.service.js';
import { IdempotencyStore } from './idempotency.store.js';
import { RequestStore } from './request.store.js';
import { RequestsService } from './requests.service.js';
import { RetentionService } from './retention.service.js';

/** The request log. */
@Module({
  providers: [RequestStore, IdempotencyStore, RequestsService, IdempotencyService, RetentionService],
  exports: [RequestsService, IdempotencyService, RetentionService],
})
export class RequestsModule {}

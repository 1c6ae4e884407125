import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionLog } from './actions/action-log.js';
import { ActionRecord } from './actions/action.entity.js';
import { ActionRepository } from './actions/action.repository.js';
import { ActionsRetention } from './actions/actions-retention.service.js';
import { FinishedRequests } from './finished-requests.js';
import { FinishedRequestsStore } from './finished-requests.store.js';
import { IdempotencyRecord } from './idempotency/idempotency-key.entity.js';
import { IdempotencyService } from './idempotency/idempotency.service.js';
import { IdempotencyRepository } from './idempotency/idempotency.repository.js';
import { RemovalStore } from './removal/removal.store.js';
import { RequestRepository } from './request.repository.js';
import { RequestRecord } from './request.entity.js';
import { RequestsSweep } from './requests.sweep.js';
import { RequestSearch } from './search/request-search.js';
import { RequestSearchRepository } from './search/request-search.repository.js';
import { RequestsService } from './requests.service.js';
import { AccountStorage, AccountStorageChange } from './storage-usage/account-storage.entity.js';
import { StorageUsage } from './storage-usage/storage-usage.service.js';
import { StorageUsageStore } from './storage-usage/storage-usage.store.js';
import { RetentionService } from './removal/retention.service.js';

/** The request log. */
@Module({
  imports: [
    TypeOrmModule.forFeature([RequestRecord, IdempotencyRecord, ActionRecord, AccountStorage, AccountStorageChange]),
  ],
  providers: [
    RequestRepository,
    RequestSearchRepository,
    RequestSearch,
    RemovalStore,
    IdempotencyRepository,
    ActionRepository,
    RequestsService,
    IdempotencyService,
    RetentionService,
    ActionsRetention,
    ActionLog,
    StorageUsageStore,
    StorageUsage,
    RequestsSweep,
    { provide: FinishedRequests, useClass: FinishedRequestsStore },
  ],
  exports: [
    RequestsService,
    IdempotencyService,
    RetentionService,
    StorageUsage,
    RequestSearch,
    FinishedRequests,
    ActionLog,
    ActionRepository,
  ],
})
export class RequestsModule {}

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../platform/concurrency/sweeper.js';
import { TableAnalyzer } from '../platform/database/table-analyzer.js';
import { ActionsRetention } from './actions/actions-retention.service.js';
import { IdempotencyService } from './idempotency/idempotency.service.js';
import { StorageUsage } from './storage-usage/storage-usage.service.js';
import { RetentionService } from './removal/retention.service.js';

/** Deletes expired idempotency keys, old requests and old actions in every sweep. */
@Injectable()
export class RequestsSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly idempotency: IdempotencyService,
    private readonly retention: RetentionService,
    private readonly actions: ActionsRetention,
    private readonly storage: StorageUsage,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('requests', 'idempotency_keys', 'actions');
    this.sweeper.add('expire', 'idempotency keys', () => this.idempotency.removeExpired());
    this.sweeper.add('expire', 'old requests', () => this.retention.removeSome());
    this.sweeper.add('expire', 'old actions', () => this.actions.removeSome());
    this.sweeper.add('expire', 'stored bytes', () => this.storage.maintain());
  }
}

import { HttpStatus, Injectable } from '@nestjs/common';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { Database } from '../../platform/database/database.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import type { SeedBody } from './seed.schema.js';
import { Seeder } from './seeder.js';

/** Adds generated books to an account. */
@Injectable()
export class SeedService {
  constructor(
    private readonly database: Database,
    private readonly seeder: Seeder,
    private readonly idempotency: IdempotencyService,
  ) {}

  /**
   * Adds all of the books, or nothing.
   * @throws SeedingOff, EmailTaken, PeriodClosed
   */
  async seed(account: AccountId, body: SeedBody, key: IdempotencyKey | null): Promise<object> {
    this.seeder.checkAllowed();
    const { customers, items_per_order: itemsPerOrder, seed } = body;
    const orders = customers * body.orders_per_customer;
    const plan = { customers, orders, itemsPerOrder, seed };
    return this.database.inBulkTransaction((query, copy) =>
      this.idempotency.once(query, key, HttpStatus.CREATED, async () => {
        await this.seeder.writeWithin(query, copy, storedAccount(account), plan);
        return { customers, orders, items: orders * itemsPerOrder };
      }),
    );
  }
}

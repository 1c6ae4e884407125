import { HttpStatus, Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { Database } from '../../platform/database/database.js';
import { pageOf } from '../../platform/database/page.js';
import { newId } from '../../platform/ids.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import type { Customer } from './customer.entity.js';
import {
  type CustomerChange,
  type CustomerFilter,
  type NewCustomer,
  CustomerRepository,
} from './customer.repository.js';
import { CustomerTotalsStore } from './customer-totals.store.js';
import { CustomerNotFound } from './customers.errors.js';

/** The customers of an account. Every method throws CustomerNotFound for a customer that the account does not have. */
@Injectable()
export class CustomersService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerRepository,
    private readonly totals: CustomerTotalsStore,
    private readonly idempotency: IdempotencyService,
  ) {}

  /** @throws EmailTaken */
  async create(
    account: AccountId,
    wanted: Pick<NewCustomer, 'name' | 'email' | 'isActive'>,
    key: IdempotencyKey | null,
  ): Promise<object> {
    const customer = { ...wanted, id: newId(), accountId: storedAccount(account) };
    return this.database.inTransactionOf(customer.accountId, (query) =>
      this.idempotency.once(query, key, HttpStatus.CREATED, async () =>
        customerView(await this.customers.add(query, customer)),
      ),
    );
  }

  async list(account: AccountId, filter: Omit<CustomerFilter, 'accountId'>): Promise<object> {
    const { page, next_cursor } = await pageOf(
      filter.limit,
      (limit) => this.customers.list({ ...filter, accountId: storedAccount(account), limit }),
      ({ id }) => id,
    );
    return { customers: page.map(customerView), next_cursor };
  }

  async view(account: AccountId, id: string): Promise<object> {
    return customerView(await this.find(account, id));
  }

  /** @throws EmailTaken */
  async change(account: AccountId, id: string, change: CustomerChange): Promise<CustomerView> {
    if (!isUuid(id)) throw new CustomerNotFound();
    const accountId = storedAccount(account);
    return this.database.inTransactionOf(accountId, async (query) => {
      const changed = await this.customers.change(query, accountId, id, change);
      if (!changed) throw new CustomerNotFound();
      if (change.isActive !== undefined) await this.totals.setActive(query, accountId, id, change.isActive);
      return customerView(changed);
    });
  }

  /** @throws CustomerInUse */
  async remove(account: AccountId, id: string): Promise<object> {
    if (!isUuid(id)) throw new CustomerNotFound();
    const accountId = storedAccount(account);
    const isFound = await this.database.inTransactionOf(accountId, (query) =>
      this.customers.remove(query, accountId, id),
    );
    if (!isFound) throw new CustomerNotFound();
    return { deleted: true, id };
  }

  /** Checks that the account has a customer. */
  async find(account: AccountId, id: string): Promise<Customer> {
    const customer = isUuid(id) ? await this.customers.find(storedAccount(account), id) : null;
    if (!customer) throw new CustomerNotFound();
    return customer;
  }
}

/** A customer as the API shows it. */
export interface CustomerView {
  id: string;
  name: string;
  email: string;
  is_active: boolean;
  created_at: Date;
  updated_at: Date;
}

/** Returns a customer as the API shows it. */
export function customerView({ id, name, email, isActive, createdAt, updatedAt }: Customer): CustomerView {
  return { id, name, email, is_active: isActive, created_at: createdAt, updated_at: updatedAt };
}

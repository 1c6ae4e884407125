import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThan, Raw, type Repository } from 'typeorm';
import type { Query } from '../../platform/database/database.js';
import { containing } from '../../platform/database/like-pattern.js';
import { Customer } from './customer.entity.js';
import { CustomerInUse, EmailTaken } from './customers.errors.js';

export interface CustomerFilter {
  accountId: string;
  /** Part of the email, in any case. */
  email?: string;
  /** Only customers that were added before this one. */
  beforeId?: string;
  limit: number;
}

export type NewCustomer = Pick<Customer, 'id' | 'accountId' | 'name' | 'email' | 'isActive'>;
export type CustomerChange = Partial<Pick<Customer, 'name' | 'email' | 'isActive'>>;

const COLUMNS = `id, account_id AS "accountId", name, email, is_active AS "isActive", created_at AS "createdAt",
  updated_at AS "updatedAt"`;

const ADD = `INSERT INTO customers (id, account_id, name, email, is_active) VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`;

const CHANGE = `UPDATE customers SET name = coalesce($3, name), email = coalesce($4, email),
    is_active = coalesce($5, is_active), updated_at = clock_timestamp()
  WHERE account_id = $1 AND id = $2 RETURNING ${COLUMNS}`;

const LOCK = 'SELECT FROM customers WHERE account_id = $1 AND id = $2 FOR UPDATE';

const REMOVE = `DELETE FROM customers c WHERE account_id = $1 AND id = $2
    AND NOT EXISTS (SELECT FROM orders o WHERE o.account_id = $1 AND o.customer_id = $2)
    AND NOT EXISTS (SELECT FROM journal_lines l WHERE l.account_id = $1 AND l.customer_id = $2)
  RETURNING id`;

/** The customers of all accounts. */
@Injectable()
export class CustomerRepository {
  constructor(@InjectRepository(Customer) private readonly customers: Repository<Customer>) {}

  async find(accountId: string, id: string): Promise<Customer | null> {
    return this.customers.findOneBy({ accountId, id });
  }

  /** @returns Customers, newest first. */
  async list({ accountId, email, beforeId, limit }: CustomerFilter): Promise<Customer[]> {
    const where = {
      accountId,
      ...(beforeId && { id: LessThan(beforeId) }),
      ...(email !== undefined && {
        email: Raw((column) => `lower(${column}) LIKE :pattern`, { pattern: containing(email) }),
      }),
    };
    return this.customers.find({ where, order: { id: 'DESC' }, take: limit });
  }

  /** @returns The ids of up to `limit` customers whose email contains `part`, in any order. */
  async idsByEmail(accountId: string, part: string, limit: number): Promise<string[]> {
    const text = 'SELECT id FROM customers WHERE account_id = $1 AND lower(email) LIKE $2 LIMIT $3';
    const rows = await this.customers.query<{ id: string }[]>(text, [accountId, containing(part), limit]);
    return rows.map(({ id }) => id);
  }

  /** @param query Of the caller's transaction. @throws EmailTaken */
  async add(query: Query, { id, accountId, name, email, isActive }: NewCustomer): Promise<Customer> {
    const values = [id, accountId, name, email, isActive];
    const [added] = await orEmailTaken(query<Customer>({ name: 'customer_add', text: ADD }, values));
    return added!;
  }

  /**
   * Changes the given fields. The customer stays locked, so that payments of its orders see the change.
   * @param query Of the caller's transaction.
   * @returns The customer, or null if there is none.
   * @throws EmailTaken
   */
  async change(query: Query, accountId: string, id: string, change: CustomerChange): Promise<Customer | null> {
    const values = [accountId, id, change.name ?? null, change.email ?? null, change.isActive ?? null];
    const [changed] = await orEmailTaken(query<Customer>({ name: 'customer_change', text: CHANGE }, values));
    return changed ?? null;
  }

  /**
   * Deletes a customer that no order and no line of the journal names.
   * @param query Of the caller's transaction.
   * @returns Whether there was such a customer.
   * @throws CustomerInUse
   */
  async remove(query: Query, accountId: string, id: string): Promise<boolean> {
    const found = await query({ name: 'customer_lock', text: LOCK }, [accountId, id]);
    if (found.length === 0) return false;
    // A statement of its own, so that it sees what was committed before the lock was granted.
    const deleted = await query({ name: 'customer_remove', text: REMOVE }, [accountId, id]);
    if (deleted.length === 0) throw new CustomerInUse();
    return true;
  }
}

/** The constraint that a statement of the driver or of TypeORM violated. */
export const constraintOf = (error: unknown): string | undefined => (error as { constraint?: string }).constraint;

async function orEmailTaken<Result>(running: Promise<Result>): Promise<Result> {
  try {
    return await running;
  } catch (error) {
    if (constraintOf(error) === 'customers_email') throw new EmailTaken();
    throw error;
  }
}

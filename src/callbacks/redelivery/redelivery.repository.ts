import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, LessThan, type Repository } from 'typeorm';
import type { AccountId } from '../../platform/tenant.js';
import { CallbackRedelivery } from './callback-redelivery.entity.js';

export type NewRedelivery = Pick<
  CallbackRedelivery,
  'id' | 'accountId' | 'callbackStatus' | 'destination' | 'since' | 'until' | 'matched'
> &
  Partial<Pick<CallbackRedelivery, 'requests'>>;

// Hand-written: SKIP LOCKED lets the sweeps of several workers run side by side. An array, because a join could become a scan.
const REMOVE_EXPIRED = `DELETE FROM callback_redeliveries WHERE id = ANY (ARRAY(
    SELECT id FROM callback_redeliveries WHERE finished_at < now() - $1 * interval '1 millisecond'
    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED))`;

/** The redelivery jobs. {@link RedeliveryStore} carries them out. */
@Injectable()
export class RedeliveryRepository {
  constructor(@InjectRepository(CallbackRedelivery) private readonly jobs: Repository<CallbackRedelivery>) {}

  /**
   * Adds a running job, unless its account has `limit` of them.
   * @returns It, with the columns that the database fills in, or null.
   */
  add(fresh: NewRedelivery, limit: number): Promise<CallbackRedelivery | null> {
    return this.jobs.manager.transaction(async (manager) => {
      // Concurrent calls for one account wait here, so that together they do not exceed the limit.
      await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`redelivery ${fresh.accountId}`]);
      const jobs = manager.getRepository(CallbackRedelivery);
      if ((await jobs.countBy(runningOf(fresh.accountId))) >= limit) return null;
      const job = jobs.create(fresh);
      await jobs.insert(job);
      return job;
    });
  }

  /** @param account Null for the open installation. @returns The number of the account's running jobs. */
  countRunning(account: AccountId): Promise<number> {
    return this.jobs.countBy(runningOf(account));
  }

  find(id: string): Promise<CallbackRedelivery | null> {
    return this.jobs.findOneBy({ id });
  }

  /**
   * @param account Null for all accounts.
   * @param beforeId Cursor: only older jobs.
   * @returns Up to `limit` jobs, newest first.
   */
  list(account: AccountId, beforeId: string | undefined, limit: number): Promise<CallbackRedelivery[]> {
    const where = {
      ...(account !== null && { accountId: account }),
      ...(beforeId !== undefined && { id: LessThan(beforeId) }),
    };
    return this.jobs.find({ where, order: { id: 'DESC' }, take: limit });
  }

  /** Cancels a running job. Waits for the page in progress, which stays due. @returns False when the job had already ended. */
  async cancel(id: string): Promise<boolean> {
    const change = { status: 'CANCELLED' as const, finishedAt: () => 'now()' };
    return (await this.jobs.update({ id, status: 'RUNNING' }, change)).affected === 1;
  }

  /** Deletes up to `limit` jobs that ended long enough ago. @returns Their number. */
  async removeExpired(ageMs: number, limit: number): Promise<number> {
    const [, count] = await this.jobs.query<[unknown, number]>(REMOVE_EXPIRED, [ageMs, limit]);
    return count;
  }
}

const runningOf = (account: AccountId) => ({ status: 'RUNNING' as const, accountId: account ?? IsNull() });

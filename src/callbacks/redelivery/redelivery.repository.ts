import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThan, type Repository } from 'typeorm';
import type { AccountId } from '../../platform/tenant.js';
import { CallbackRedelivery } from './callback-redelivery.entity.js';

export type NewRedelivery = Pick<
  CallbackRedelivery,
  'id' | 'accountId' | 'callbackStatus' | 'destination' | 'since' | 'until' | 'matched'
>;

/** The redelivery jobs. {@link RedeliveryStore} carries them out. */
@Injectable()
export class RedeliveryRepository {
  constructor(@InjectRepository(CallbackRedelivery) private readonly jobs: Repository<CallbackRedelivery>) {}

  /** Adds a running job. @returns It, with the columns that the database fills in. */
  async add(fresh: NewRedelivery): Promise<CallbackRedelivery> {
    const job = this.jobs.create(fresh);
    await this.jobs.insert(job);
    return job;
  }

  countRunning(): Promise<number> {
    return this.jobs.countBy({ status: 'RUNNING' });
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
}

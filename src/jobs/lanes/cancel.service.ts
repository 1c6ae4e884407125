import { Injectable } from '@nestjs/common';
import { newId } from '../../platform/ids.js';
import type { AccountId } from '../../platform/tenant.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { ReportsService } from '../../reports/reports.service.js';
import { RequestNotPending } from '../../requests/requests.errors.js';
import { RequestsService } from '../../requests/requests.service.js';
import { destinationOf } from '../job.js';
import { JobsStore } from './jobs.store.js';

/** Cancels pending requests, and long reports in progress. */
@Injectable()
export class CancelService {
  constructor(
    private readonly requests: RequestsService,
    private readonly reports: ReportsService,
    private readonly store: JobsStore,
    private readonly queue: WorkQueue,
  ) {}

  /**
   * Cancels a pending request, or one in progress whose report allows it. Its position stays, and its callback reports the cancellation.
   * @returns What was written, and no more: the caller may lack the scope to read requests.
   * @throws RequestNotFound, RequestNotPending
   */
  async cancel(id: string, account: AccountId): Promise<{ id: string; status: 'CANCELLED' }> {
    const { callbackUrl } = await this.requests.find(id, account);
    const destination = destinationOf(callbackUrl);
    const running = this.reports.cancellableTypes();
    if (!(await this.store.cancel(id, newId(), destination, running))) throw new RequestNotPending();
    if (destination !== null) this.queue.wake('callbacks');
    return { id, status: 'CANCELLED' };
  }

  /**
   * Cancels those of the requests that are pending, in one transaction.
   * @param ids Requests of the caller's account.
   * @returns The number of cancelled requests.
   */
  async cancelAll(ids: string[]): Promise<number> {
    const pending = await this.store.findPending(ids);
    const count = await this.store.cancelAll(
      pending.map(({ id, callbackUrl }) => ({ id, deliveryId: newId(), destination: destinationOf(callbackUrl) })),
    );
    if (count > 0 && pending.some(({ callbackUrl }) => callbackUrl !== null)) this.queue.wake('callbacks');
    return count;
  }
}

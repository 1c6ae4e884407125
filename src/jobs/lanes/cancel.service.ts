import { Injectable } from '@nestjs/common';
import { newId } from '../../platform/ids.js';
import type { AccountId } from '../../platform/tenant.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { RequestNotPending } from '../../requests/requests.errors.js';
import { RequestsService } from '../../requests/requests.service.js';
import { destinationOf } from '../job.js';
import { JobsStore } from './jobs.store.js';

/** Cancels pending requests. */
@Injectable()
export class CancelService {
  constructor(
    private readonly requests: RequestsService,
    private readonly store: JobsStore,
    private readonly queue: WorkQueue,
  ) {}

  /**
   * Cancels a pending request. Its position stays, and its callback reports the cancellation.
   * @returns The request, as `GET /api/requests/:id` shows it.
   * @throws RequestNotFound, RequestNotPending
   */
  async cancel(id: string, account: AccountId): Promise<object> {
    const { callbackUrl } = await this.requests.find(id, account);
    const destination = destinationOf(callbackUrl);
    if (!(await this.store.cancel(id, newId(), destination))) throw new RequestNotPending();
    if (destination !== null) this.queue.wake('callbacks');
    return this.requests.detail(id, account);
  }
}

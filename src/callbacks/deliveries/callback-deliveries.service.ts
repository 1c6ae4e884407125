import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { type AccountId, laneName } from '../../platform/tenant.js';
import { DaybookError } from '../../platform/errors.js';
import { pageOf } from '../../platform/database/page.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { RequestsService } from '../../requests/requests.service.js';
import { type DeliveryFilter, type DeliveryRow, CallbackDeliveryRepository } from './callback-delivery.repository.js';

/** The request has no callback URL, or is not finished yet. */
export class NoCallback extends DaybookError {
  readonly code = 'no-callback-due';
  override readonly message = 'This request has no callback: it has no callback_url, or is not finished yet.';
}

/** Lists and redelivers callbacks. */
@Injectable()
export class CallbackDeliveriesService {
  constructor(
    private readonly deliveries: CallbackDeliveryRepository,
    private readonly requests: RequestsService,
    private readonly queue: WorkQueue,
    @Inject(CONFIG) private readonly config: Pick<Config, 'CALLBACK_REDELIVERY_RATE'>,
  ) {}

  /** @returns One page, newest first, and the cursor of the next (null at the end). */
  async list(filter: DeliveryFilter): Promise<{ callbacks: object[]; next_cursor: string | null }> {
    const read = (limit: number) => this.deliveries.list({ ...filter, limit });
    const { page, next_cursor } = await pageOf(filter.limit, read, ({ id }) => id);
    return { callbacks: page.map(deliveryView), next_cursor };
  }

  /**
   * Redelivers a request's callback, with its whole retry schedule, as soon as `CALLBACK_REDELIVERY_RATE` allows. A pending one
   * does not wait for its next retry.
   * @throws RequestNotFound, NoCallback
   */
  async redeliver(requestId: string, account: AccountId): Promise<object> {
    const { id } = await this.requests.find(requestId, account);
    const rate = this.config.CALLBACK_REDELIVERY_RATE;
    const intervalMs = rate === null ? 0 : rate.windowMs / rate.limit;
    if (!(await this.deliveries.redeliver(id, account, intervalMs))) throw new NoCallback();
    this.queue.wake('callbacks');
    return { request_id: id, callback_status: 'PENDING', message: 'The callback is sent again.' };
  }
}

function deliveryView({ id, status, next_attempt_at, created_at, finished_at, ...rest }: DeliveryRow): object {
  return {
    webhook_id: `msg_${id}`,
    ...rest,
    lane: laneName(rest.lane),
    status,
    next_attempt_at: status === 'PENDING' ? next_attempt_at.toISOString() : null,
    created_at: created_at.toISOString(),
    finished_at: finished_at?.toISOString() ?? null,
  };
}

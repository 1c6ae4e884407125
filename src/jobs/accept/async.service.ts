import { Injectable } from '@nestjs/common';
import { UrlGuard } from '../../callbacks/url-guard/url-guard.js';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import type { Query } from '../../platform/database/database.js';
import type { AccountId } from '../../platform/tenant.js';
import { WorkQueue } from '../../queue/work-queue.js';
import type { ReportRequest } from '../../reports/report-request.schema.js';
import { acknowledgement } from '../../requests/request.view.js';
import { AcceptService, type Place } from './accept.service.js';
import { NewRequests } from './new-requests.js';
import { WakeDebounce } from './wake-debounce.js';

/** Accepts async requests into their lanes, and wakes the workers. */
@Injectable()
export class AsyncService {
  private readonly wakeUps = new WakeDebounce(() => this.queue.wake('jobs'));

  constructor(
    private readonly newRequests: NewRequests,
    private readonly accepting: AcceptService,
    private readonly guard: UrlGuard,
    private readonly queue: WorkQueue,
  ) {}

  /**
   * Accepts a request; it is durable when this resolves.
   * @returns Its id, and the acknowledgement.
   * @throws CallbackUrlRefused, AccountBacklogFull, KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async accept(
    request: ReportRequest,
    key: IdempotencyKey | null,
    account: AccountId,
  ): Promise<{ requestId: string; body: object }> {
    await this.guard.lookUp(request.callbackUrl ?? '');
    const accepted = await this.newRequests.prepare('async', request, key, account);
    const place = await this.wakeUps.acknowledge(() => this.accepting.accept(accepted));
    return { requestId: place.id, body: acknowledgementOf(place, accepted.lane) };
  }

  /**
   * Accepts requests all or none, at consecutive positions of their lanes; they are durable when this resolves.
   * @returns The acknowledgements.
   * @throws CallbackUrlRefused, AccountBacklogFull, KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async acceptBatch(batch: ReportRequest[], key: IdempotencyKey | null, account: AccountId): Promise<object> {
    const on = this.newRequests.acceptance(account);
    const requests = await Promise.all(
      batch.map((request, index) =>
        this.newRequests.prepare('async', request, null, account, `requests.${index}.`, on),
      ),
    );
    const answerOf = (places: Place[]): object => ({
      requests: places.map((place, index) => acknowledgementOf(place, requests[index]!.lane)),
    });
    return this.wakeUps.acknowledge(() => this.accepting.acceptAll(account, requests, key, answerOf));
  }

  /**
   * Checks a request that is accepted later.
   * @param asOf The time of the request for its report.
   * @throws InvalidInput, CallbackUrlRefused, DatabaseUnavailable
   */
  async check(request: ReportRequest, account: AccountId, asOf: Date): Promise<void> {
    await this.prepare(request, null, account, asOf);
  }

  /**
   * Accepts a request in one transaction with a write of the caller, both or neither.
   * @param asOf The time of the request for its report.
   * @param alongside The write. It resolves with false to undo both, and runs again after a conflict.
   * @returns The id of the request; null if `alongside` resolved with false.
   * @throws As {@link accept}, and what `alongside` rejected with
   */
  async acceptAlongside(
    request: ReportRequest,
    key: IdempotencyKey | null,
    account: AccountId,
    asOf: Date,
    alongside: (query: Query, requestId: string) => Promise<boolean>,
  ): Promise<string | null> {
    const accepted = await this.prepare(request, key, account, asOf);
    const place = await this.wakeUps.acknowledge(() => this.accepting.acceptAlongside(accepted, alongside));
    return place && place.id;
  }

  private async prepare(request: ReportRequest, key: IdempotencyKey | null, account: AccountId, asOf: Date) {
    await this.guard.lookUp(request.callbackUrl ?? '');
    return this.newRequests.prepare('async', request, key, account, '', this.newRequests.acceptance(account, asOf));
  }
}

function acknowledgementOf({ id, queuePosition, jobsAhead }: Place, lane: string | null): object {
  return acknowledgement({ id, lane, queuePosition, jobsAheadAtAccept: jobsAhead });
}

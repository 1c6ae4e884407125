import { Injectable } from '@nestjs/common';
import { MAX_MATCHED, RedeliveriesService } from '../../callbacks/redelivery/redeliveries.service.js';
import { KeyedLimiter } from '../../platform/concurrency/keyed-limiter.js';
import { DaybookError, LimitReached } from '../../platform/errors.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { RequestCallbacks } from '../../requests/request-callbacks.js';
import { RequestsService } from '../../requests/requests.service.js';
import { RequestSearch } from '../../requests/search/request-search.js';
import { type RequestSelection, selectionOf } from '../../requests/search/request-selection.js';
import { CancelService } from '../lanes/cancel.service.js';
import type { BulkBody } from './bulk.schema.js';

/** Requests that are cancelled in one transaction, which locks the rows of their lanes at its end. */
const CANCEL_BATCH = 500;
/** Requests that are counted at a time. */
const COUNT_BATCH = 2_000;
/** Work of one account in this process: each call works on batch after batch. */
const WORK_OF_ACCOUNT = { concurrency: 1, maxWaiting: 10, waitMs: 30_000 };

/** More requests match than one call may work on. */
export class BulkTooLarge extends DaybookError {
  readonly code = 'bulk-too-large';
  override readonly path = 'filter';
  constructor() {
    super(
      `More than ${MAX_MATCHED.toLocaleString('en')} requests match. Narrow the filter with created_from and created_to.`,
    );
  }
}

/** Other bulk work of the account is running. */
export class BulkBusy extends LimitReached {
  readonly code = 'bulk-busy';
  override readonly retryAfterS = 5;
  override readonly message = 'Other bulk work of this account is running. Nothing was changed; try again after it.';
}

/**
 * Cancels, deletes and redelivers all requests of a filter. Requests are cancelled and deleted in the call, in transactions of a
 * bounded size; those that were accepted after its start do not match. A call that fails has changed some, and can be repeated.
 */
@Injectable()
export class BulkService {
  private readonly work = new KeyedLimiter(WORK_OF_ACCOUNT, () => new BulkBusy());

  constructor(
    private readonly search: RequestSearch,
    private readonly requests: RequestsService,
    private readonly callbacks: RequestCallbacks,
    private readonly cancelling: CancelService,
    private readonly redeliveries: RedeliveriesService,
  ) {}

  /**
   * @returns The number of requests, or the redelivery that was added.
   * @throws BulkTooLarge, BulkBusy, TooManyRedeliveries, StorageUnavailable
   */
  run(body: BulkBody, account: AccountId): Promise<{ count: number } | { id: string }> {
    return this.work.run(storedAccount(account), () => this.runAlone(body, account));
  }

  private async runAlone({ action, filter, dry_run: isDryRun }: BulkBody, account: AccountId) {
    const selection = selectionFor(action, selectionOf(filter, account));
    const count = selection === null ? 0 : await this.count(action, selection);
    if (isDryRun) return { count };
    if (action === 'redeliver') return this.redeliveries.addForRequests(filter, account, count);
    if (selection === null) return { count };
    return {
      count: action === 'cancel' ? await this.cancel(selection) : await this.requests.removeFinished(selection),
    };
  }

  private async count(action: BulkBody['action'], selection: RequestSelection): Promise<number> {
    let count = 0;
    for await (const ids of this.search.pages(selection, COUNT_BATCH)) {
      count += action === 'cancel' ? ids.length : await this.countSettled(action, ids);
      if (count > MAX_MATCHED) throw new BulkTooLarge();
    }
    return count;
  }

  /** @returns Of finished requests, the number of those that may be deleted, or whose callback has ended. */
  private async countSettled(action: 'delete' | 'redeliver', ids: string[]): Promise<number> {
    const states = [...(await this.callbacks.states(ids)).values()];
    const due = states.filter(({ status }) => status === 'PENDING').length;
    return (action === 'delete' ? ids.length : states.length) - due;
  }

  private async cancel(selection: RequestSelection): Promise<number> {
    let count = 0;
    for await (const ids of this.search.pages(selection, CANCEL_BATCH)) count += await this.cancelling.cancelAll(ids);
    return count;
  }
}

/** @returns The part of a selection that an action may change; null if its status excludes all of it. */
function selectionFor(action: BulkBody['action'], selection: RequestSelection): RequestSelection | null {
  const { status } = selection;
  if (action === 'cancel')
    return status === undefined || status === 'PENDING' ? { ...selection, status: 'PENDING' } : null;
  if (status === 'PENDING' || status === 'PROCESSING') return null;
  return { ...selection, isFinished: true, ...(action === 'redeliver' && { hasCallback: true }) };
}

import { Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { newId } from '../../platform/ids.js';
import type { AccountId } from '../../platform/tenant.js';
import { DaybookError } from '../../platform/errors.js';
import { pageOf } from '../../platform/database/page.js';
import type { RequestFilter } from '../../requests/requests.schema.js';
import type { CallbackRedelivery } from './callback-redelivery.entity.js';
import { type NewRedelivery, RedeliveryRepository } from './redelivery.repository.js';
import { type RedeliverySelection, RedeliveryStore } from './redelivery.store.js';

/** Limit of callbacks per job. */
export const MAX_MATCHED = 100_000;
/** Limit of running jobs of an account. */
const MAX_RUNNING = 20;
/** Pages that one sweep of a worker makes due. */
const PAGES_PER_SWEEP = 20;

export class RedeliveryNotFound extends DaybookError {
  readonly code = 'redelivery-not-found';
  override readonly message = 'Redelivery not found';
}

export class RedeliveryEnded extends DaybookError {
  readonly code = 'redelivery-ended';
  override readonly message = 'This redelivery has already ended.';
}

/** More callbacks match than one job may send again. */
export class RedeliveryTooLarge extends DaybookError {
  readonly code = 'redelivery-too-large';
  constructor() {
    super(`More than ${MAX_MATCHED.toLocaleString('en')} callbacks match. Narrow the selection with since and until.`);
  }
}

export class TooManyRedeliveries extends DaybookError {
  readonly code = 'too-many-redeliveries';
  constructor() {
    super(`${MAX_RUNNING} redeliveries are running for this account. Wait for one to end, or cancel one.`);
  }
}

/** Sends many callbacks again with jobs, which the API adds and the workers carry out. */
@Injectable()
export class RedeliveriesService {
  constructor(
    private readonly jobs: RedeliveryRepository,
    private readonly store: RedeliveryStore,
  ) {}

  /**
   * Adds a job for the callbacks that match now.
   * @throws RedeliveryTooLarge, TooManyRedeliveries
   */
  async add(selection: RedeliverySelection): Promise<{ id: string }> {
    // Before the callbacks are counted, which costs more.
    if ((await this.jobs.countRunning(selection.account)) >= MAX_RUNNING) throw new TooManyRedeliveries();
    const now = await this.store.now();
    const until = selection.until && selection.until < now ? selection.until : now;
    const matched = await this.store.count({ ...selection, until }, MAX_MATCHED + 1);
    if (matched > MAX_MATCHED) throw new RedeliveryTooLarge();
    return this.insert({
      id: newId(),
      accountId: selection.account,
      callbackStatus: selection.status ?? null,
      destination: selection.destination ?? null,
      since: selection.since ?? null,
      until,
      matched,
    });
  }

  /**
   * Adds a job for the ended callbacks of the requests that match now.
   * @param matched Their number.
   * @throws TooManyRedeliveries
   */
  async addForRequests(requests: RequestFilter, account: AccountId, matched: number): Promise<{ id: string }> {
    const until = await this.store.now();
    const every = { callbackStatus: null, destination: null, since: null, until };
    return this.insert({ id: newId(), accountId: account, ...every, requests, matched });
  }

  /** @throws RedeliveryNotFound */
  async find(id: string, account: AccountId): Promise<object> {
    return redeliveryView(await this.job(id, account));
  }

  /** @returns One page, newest first, and the cursor of the next (null at the end). */
  async list(account: AccountId, limit: number, cursor?: string): Promise<object> {
    const read = (count: number) => this.jobs.list(account, cursor, count);
    const { page, next_cursor } = await pageOf(limit, read, ({ id }) => id);
    return { redeliveries: page.map(redeliveryView), next_cursor };
  }

  /**
   * Cancels a job. Callbacks that it has made due are still sent.
   * @returns What was written, and no more: the caller may lack the scope to read callbacks.
   * @throws RedeliveryNotFound, RedeliveryEnded
   */
  async cancel(id: string, account: AccountId): Promise<{ id: string; status: 'cancelled' }> {
    await this.job(id, account);
    if (!(await this.jobs.cancel(id))) throw new RedeliveryEnded();
    return { id, status: 'cancelled' };
  }

  /** Advances the running jobs by a bounded number of pages. Called by every sweep of a worker. */
  async sweep(): Promise<void> {
    for (let page = 0; page < PAGES_PER_SWEEP; page++) if (!(await this.store.advance())) break;
    await this.store.forgetPaces();
  }

  /** Deletes up to `limit` jobs that ended long enough ago. @returns Their number. */
  removeExpired(ageMs: number, limit: number): Promise<number> {
    return this.jobs.removeExpired(ageMs, limit);
  }

  private async insert(fresh: NewRedelivery): Promise<{ id: string }> {
    const job = await this.jobs.add(fresh, MAX_RUNNING);
    if (!job) throw new TooManyRedeliveries();
    return redeliveryView(job);
  }

  private async job(id: string, account: AccountId): Promise<CallbackRedelivery> {
    const job = isUuid(id) ? await this.jobs.find(id) : null;
    if (!job || (account !== null && job.accountId !== account)) throw new RedeliveryNotFound();
    return job;
  }
}

const STATUS = { RUNNING: 'running', COMPLETED: 'completed', CANCELLED: 'cancelled' } as const;

function redeliveryView(job: CallbackRedelivery) {
  return {
    id: job.id,
    status: STATUS[job.status],
    filter: {
      status: job.callbackStatus,
      destination: job.destination,
      since: job.since?.toISOString() ?? null,
      until: job.until.toISOString(),
      ...(job.requests && { requests: job.requests }),
    },
    matched: job.matched,
    redelivered: job.redelivered,
    created_at: job.createdAt.toISOString(),
    finished_at: job.finishedAt?.toISOString() ?? null,
  };
}

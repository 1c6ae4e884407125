import { Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { newId } from '../../platform/ids.js';
import type { AccountId } from '../../platform/tenant.js';
import { DaybookError } from '../../platform/errors.js';
import { pageOf } from '../../platform/database/page.js';
import { type RedeliveryRow, type RedeliverySelection, RedeliveryStore } from './redelivery.store.js';

/** Callbacks that one job may send again. */
const MAX_MATCHED = 100_000;
/** Jobs running at a time. */
const MAX_RUNNING = 20;
/** Pages that one sweep of a worker puts back. */
const PAGES_PER_SWEEP = 20;

export class RedeliveryNotFound extends DaybookError {
  readonly code = 'redelivery-not-found';
  constructor() {
    super('Redelivery not found');
  }
}

export class RedeliveryEnded extends DaybookError {
  readonly code = 'redelivery-ended';
  constructor() {
    super('This redelivery has ended already.');
  }
}

/** Too much for one job. */
export class RedeliveryTooLarge extends DaybookError {
  readonly code = 'redelivery-too-large';
  constructor() {
    super(`More than ${MAX_MATCHED.toLocaleString('en')} callbacks match. Narrow it down by since and until.`);
  }
}

export class TooManyRedeliveries extends DaybookError {
  readonly code = 'too-many-redeliveries';
  constructor() {
    super(`${MAX_RUNNING} redeliveries are running. Wait for one to end, or cancel one.`);
  }
}

/** Sends callbacks again, many at a time: the API adds jobs, the workers carry them out. */
@Injectable()
export class RedeliveriesService {
  constructor(private readonly store: RedeliveryStore) {}

  /** @throws RedeliveryTooLarge, TooManyRedeliveries */
  async add(selection: RedeliverySelection): Promise<{ id: string }> {
    const now = await this.store.now();
    const until = selection.until && selection.until < now ? selection.until : now;
    const bounded = { ...selection, until };
    const matched = await this.store.count(bounded, MAX_MATCHED + 1);
    if (matched > MAX_MATCHED) throw new RedeliveryTooLarge();
    const row = await this.store.add(newId(), bounded, matched, MAX_RUNNING);
    if (!row) throw new TooManyRedeliveries();
    return redeliveryView(row);
  }

  /** @throws RedeliveryNotFound */
  async find(id: string, account: AccountId): Promise<object> {
    return redeliveryView(await this.row(id, account));
  }

  /** @returns One page, newest first, and the cursor of the next (null at the end). */
  async list(account: AccountId, limit: number, cursor?: string): Promise<object> {
    const read = (count: number) => this.store.list(account, cursor ?? null, count);
    const { page, next_cursor } = await pageOf(limit, read, ({ id }) => id);
    return { redeliveries: page.map(redeliveryView), next_cursor };
  }

  /** What was put back until now is sent all the same. @throws RedeliveryNotFound, RedeliveryEnded */
  async cancel(id: string, account: AccountId): Promise<object> {
    const { id: known } = await this.row(id, account);
    const row = await this.store.cancel(known);
    if (!row) throw new RedeliveryEnded();
    return redeliveryView(row);
  }

  /** A worker's part of what the jobs have to do, while there is room for it. */
  async sweep(): Promise<void> {
    for (let page = 0; page < PAGES_PER_SWEEP; page++) if (!(await this.store.advance())) return;
  }

  private async row(id: string, account: AccountId): Promise<RedeliveryRow> {
    const row = isUuid(id) ? await this.store.find(id) : null;
    if (!row || (account !== null && row.account_id !== account)) throw new RedeliveryNotFound();
    return row;
  }
}

const STATUS = { RUNNING: 'running', COMPLETED: 'completed', CANCELLED: 'cancelled' } as const;

function redeliveryView(row: RedeliveryRow) {
  return {
    id: row.id,
    status: STATUS[row.status],
    filter: {
      status: row.callback_status,
      destination: row.destination,
      since: row.since?.toISOString() ?? null,
      until: row.until.toISOString(),
    },
    matched: row.matched,
    redelivered: row.redelivered,
    created_at: row.created_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

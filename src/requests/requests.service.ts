import { Inject, Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { newId } from '../platform/ids.js';
import { type AccountId, laneName, qualifiedLane } from '../platform/tenant.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { isDataError } from '../platform/database/database.js';
import { GroupCommit } from '../platform/concurrency/batcher.js';
import { Backlog } from '../jobs/accept/backlog.service.js';
import { IdempotencyStore } from './idempotency/idempotency.store.js';
import {
  type Acceptance,
  type NewRequest,
  type RequestFilter,
  type RequestRow,
  RequestStore,
  type IdempotencyKey,
} from './request.store.js';
import { RemovalStore } from './removal.store.js';
import { attemptLogView, attemptView, requestView } from './request.view.js';
import { KeyAlreadyUsed, LaneFull, RequestNotFound, RequestUnfinished } from './requests.errors.js';
import { ResultFiles } from './result-files.js';
import { retryAfterS } from '../jobs/accept/retry-after.js';

/** The file of a finished report. */
export interface ResultFile {
  fileName: string;
  /** Its name in the file store. */
  fileKey: string;
  sizeBytes: number;
  /** Hex. */
  sha256: string;
}

/** Where an accepted request stands. Both are null for sync, which does not queue. */
export interface Place {
  id: string;
  queuePosition: number | null;
  jobsAhead: number | null;
}

/** Requests that are deleted together: their files are removed first, so a batch bounds what a crash leaves undone. */
const REMOVE_BATCH = 1_000;
const NIL_ID = '00000000-0000-0000-0000-000000000000';

/** The request log: accepts requests durably, shows them, deletes them. */
@Injectable()
export class RequestsService {
  private readonly accepting: GroupCommit<NewRequest, Acceptance>;

  constructor(
    private readonly store: RequestStore,
    private readonly removal: RemovalStore,
    private readonly keys: IdempotencyStore,
    private readonly files: ResultFiles,
    private readonly backlog: Backlog,
    @Inject(CONFIG) private readonly config: Pick<Config, 'MAX_PENDING' | 'LANE_LEASE'>,
  ) {
    this.accepting = new GroupCommit((batch) => this.acceptBatch(batch), {
      isOneToBlame: isDataError,
      isByHalves: true,
    });
  }

  /**
   * Accepts a request; when this resolves it is durable.
   * @throws KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async accept(request: Omit<NewRequest, 'id'>): Promise<Place> {
    const { account, mode, lane, report, format, params, callbackUrl, idempotency } = request;
    // Written out, see decision 15.
    const identified = { id: newId(), account, mode, lane, report, format, params, callbackUrl, idempotency };
    const place = this.placeOf(identified, await this.accepting.submit(identified));
    if (place.queuePosition !== null) this.backlog.add(1);
    return place;
  }

  /**
   * Accepts requests all or none, at consecutive positions of their lanes; durable when this resolves.
   * @param key Of them all.
   * @param answer What to keep for a repeat under the key.
   * @throws KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async acceptAll(
    requests: Omit<NewRequest, 'id' | 'idempotency'>[],
    key: IdempotencyKey | null,
    answer: (places: Place[]) => object,
  ): Promise<object> {
    const { MAX_PENDING, LANE_LEASE } = this.config;
    // The key goes with the first: whether that one is fresh decides for all.
    const batch = requests.map((request, index) => ({
      ...request,
      id: newId(),
      idempotency: index === 0 ? key : null,
    }));
    const places = (acceptances: Acceptance[]): Place[] =>
      acceptances.map((acceptance, index) => this.placeOf(batch[index]!, acceptance));
    const acceptances = await this.store.acceptAll(batch, MAX_PENDING, LANE_LEASE, (accepted) =>
      JSON.stringify(answer(places(accepted))),
    );
    const accepted = places(acceptances);
    this.backlog.add(accepted.length);
    return answer(accepted);
  }

  private placeOf(request: NewRequest, acceptance: Acceptance): Place {
    if (acceptance.outcome === 'duplicate') throw new KeyAlreadyUsed(request.idempotency!);
    if (acceptance.outcome === 'lane-full') {
      const { MAX_PENDING } = this.config;
      throw new LaneFull(laneName(request.lane!), MAX_PENDING, retryAfterS(MAX_PENDING, acceptance.drainPerS));
    }
    return { id: request.id, queuePosition: acceptance.queuePosition, jobsAhead: acceptance.jobsAhead };
  }

  private async acceptBatch(batch: NewRequest[]): Promise<Acceptance[]> {
    const acceptances = await this.store.accept(batch, this.config.MAX_PENDING, this.config.LANE_LEASE);
    // A statement cannot take back rows it has just inserted, so the keys of those that found no room go in a second
    // one. Should it be lost, such a key names no request, and whoever uses it next frees it.
    const refused = batch.filter((_, index) => acceptances[index]?.outcome === 'lane-full');
    const keys = refused.flatMap(({ id, idempotency }) => (idempotency ? [{ ...idempotency, requestId: id }] : []));
    if (keys.length > 0) await this.keys.free(keys);
    return acceptances;
  }

  /** @returns One page, newest first, and the cursor of the next (null at the end). */
  async list(filter: RequestFilter): Promise<{ requests: object[]; next_cursor: string | null }> {
    const lane = filter.lane === undefined ? undefined : qualifiedLane(filter.account, filter.lane);
    const rows = await this.store.list({ ...filter, lane, limit: filter.limit + 1 });
    const page = rows.slice(0, filter.limit);
    const hasMore = rows.length > filter.limit;
    return { requests: page.map(requestView), next_cursor: hasMore ? page.at(-1)!.id : null };
  }

  /** @throws RequestNotFound, also for another account's, and for an id that is no UUID: nothing can have it. */
  async find(id: string, account: AccountId): Promise<RequestRow> {
    const row = isUuid(id) ? await this.store.find(id) : null;
    if (!row || !isOf(row, account)) throw new RequestNotFound();
    return row;
  }

  /** @throws RequestNotFound */
  async detail(id: string, account: AccountId): Promise<object> {
    const row = await this.find(id, account);
    const attempts = await this.store.attempts(row.id);
    const isWaiting = row.lane !== null && (row.status === 'PENDING' || row.status === 'PROCESSING');
    const jobsAhead = isWaiting ? await this.store.jobsAhead(row.lane!, row.queue_position!) : null;
    return { ...requestView(row), jobs_ahead: jobsAhead, delivery_trace: attempts.map(attemptView) };
  }

  /** @throws RequestNotFound */
  async callbackLogs(id: string, account: AccountId): Promise<object> {
    const row = await this.find(id, account);
    const attempts = await this.store.attempts(row.id);
    const count = await this.store.countAttempts(row.id);
    return { request_id: id, total_attempts: count, logs: attempts.map(attemptLogView) };
  }

  /** The file of a finished report, or null when there is none. */
  async resultFile(id: string, account: AccountId): Promise<ResultFile | null> {
    const row = await this.store.find(id);
    if (!row?.file_key || !row.result_payload || !isOf(row, account)) return null;
    const { file_name, file_size_bytes, sha256 } = row.result_payload;
    return {
      fileName: String(file_name),
      fileKey: row.file_key,
      sizeBytes: Number(file_size_bytes),
      sha256: String(sha256),
    };
  }

  /** @throws RequestNotFound, RequestUnfinished, StorageUnavailable */
  async remove(id: string, account: AccountId): Promise<void> {
    await this.find(id, account);
    if ((await this.removal.remove([id], this.removeFiles)) > 0) return;
    // Unless somebody else has deleted it.
    await this.find(id, account);
    throw new RequestUnfinished();
  }

  /** Deletes every finished request that owes no callback; gives how many it was. */
  async removeFinished(account: AccountId): Promise<number> {
    let count = 0;
    let afterId = NIL_ID;
    for (;;) {
      const ids = await this.removal.findRemovable(account, afterId, REMOVE_BATCH);
      if (ids.length === 0) return count;
      count += await this.removal.remove(ids, this.removeFiles);
      afterId = ids.at(-1)!;
    }
  }

  private readonly removeFiles = (keys: string[]): Promise<void> => this.files.remove(keys);
}

function isOf(row: RequestRow, account: AccountId): boolean {
  return account === null || row.account_id === account;
}

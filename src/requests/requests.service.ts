import { Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import type { AccountId } from '../platform/tenant.js';
import type { RequestRecord } from './request.entity.js';
import { RequestRepository, type RequestState } from './request.repository.js';
import { LanePositions } from './lane-positions.js';
import { RemovalStore } from './removal/removal.store.js';
import { type CallbackAttempt, type CallbackState, RequestCallbacks } from './request-callbacks.js';
import { attemptLogView, callbackProgress, deliveryTrace, requestView } from './request.view.js';
import { RequestNotFound, RequestUnfinished } from './requests.errors.js';
import { type ListOrder, SHOWN_ATTEMPTS } from './requests.schema.js';
import { RequestSearch } from './search/request-search.js';
import type { RequestSelection } from './search/request-selection.js';
import { ResultFiles } from './result-files.js';

type RequestView = object & { id: string };

export interface RequestPage {
  requests: RequestView[];
  next_cursor: string | null;
}

/** The file of a finished report. */
export interface ResultFile {
  fileName: string;
  /** Its key in the file store. */
  fileKey: string;
  sizeBytes: number;
  /** Hex. */
  sha256: string;
}

/** Requests that are read, and made views of, in about a millisecond. */
const PIECE = 20;

/** Requests of one transaction. Their files are deleted first, so a crash leaves up to this many without their file. */
const REMOVE_BATCH = 1_000;

/** The request log: reads requests and deletes them. */
@Injectable()
export class RequestsService {
  constructor(
    private readonly log: RequestRepository,
    private readonly search: RequestSearch,
    private readonly removal: RemovalStore,
    private readonly callbacks: RequestCallbacks,
    private readonly positions: LanePositions,
    private readonly files: ResultFiles,
  ) {}

  /**
   * @param cursor The last request of the page before: only those behind it.
   * @returns One page, and the cursor of the next page (null on the last). Of a search it may be short.
   */
  async list(
    selection: RequestSelection,
    cursor: string | undefined,
    limit: number,
    order: ListOrder = 'newest',
  ): Promise<RequestPage> {
    // One more than the page shows whether there is a next one.
    const { ids, searchedTo } =
      order === 'newest'
        ? await this.search.newest(selection, cursor, limit + 1)
        : await this.search.oldest(selection, { afterId: cursor }, limit + 1);
    const next_cursor = ids.length > limit ? ids[limit - 1]! : searchedTo;
    const newestFirst = await this.views(ids.slice(0, limit));
    return { requests: order === 'newest' ? newestFirst : newestFirst.toReversed(), next_cursor };
  }

  /**
   * Yields a page of the newest requests in pieces, so that a page which is read again and again never holds up the process
   * for long.
   */
  async *newestInPieces(selection: RequestSelection, limit: number): AsyncGenerator<RequestView[]> {
    const { ids } = await this.search.newest(selection, undefined, limit);
    for (let at = 0; at < ids.length; at += PIECE) yield this.views(ids.slice(at, at + PIECE));
  }

  private async views(ids: string[]): Promise<RequestView[]> {
    const rows = await this.log.read(ids);
    const callbacks = await this.callbacks.states(ids);
    return rows.map((row) => requestView(row, callbacks.get(row.id)));
  }

  /** @throws RequestNotFound, also for requests of other accounts and for ids that are not UUIDs. */
  async find(id: string, account: AccountId): Promise<RequestRecord> {
    const row = isUuid(id) ? await this.log.find(id) : null;
    if (!row || !isOf(row, account)) throw new RequestNotFound();
    return row;
  }

  /** @returns By id, the states of those requests that exist. The caller knows that they are of its account. */
  async states(ids: string[]): Promise<Map<string, RequestState>> {
    const states = ids.length > 0 ? await this.log.states(ids) : [];
    return new Map(states.map((state) => [state.id, state]));
  }

  /** @throws RequestNotFound */
  async detail(id: string, account: AccountId): Promise<object> {
    const { row, callback, attempts } = await this.trace(id, account);
    const isWaiting = row.lane !== null && !isFinished(row);
    const jobsAhead = isWaiting ? await this.positions.jobsAhead(row.lane!, row.queuePosition!) : null;
    const view = requestView(row, callback);
    return { ...view, jobs_ahead: jobsAhead, delivery_trace: deliveryTrace(attempts, callback) };
  }

  /** @returns A request, its callback, and the newest attempts to deliver it. @throws RequestNotFound */
  async trace(
    id: string,
    account: AccountId,
  ): Promise<{ row: RequestRecord; callback: CallbackState | undefined; attempts: CallbackAttempt[] }> {
    const row = await this.find(id, account);
    const callbacks = await this.callbacks.states([row.id]);
    const attempts = await this.callbacks.newestAttempts(row.id, SHOWN_ATTEMPTS);
    return { row, callback: callbacks.get(row.id), attempts };
  }

  /** @throws RequestNotFound */
  async callbackLogs(id: string, account: AccountId): Promise<object> {
    const { row, callback, attempts } = await this.trace(id, account);
    const count = await this.callbacks.countAttempts(row.id);
    const logs = attempts.map(attemptLogView);
    return { request_id: id, ...callbackProgress(callback), total_attempts: count, logs };
  }

  /** @returns The file of a finished report, or null if it has none. */
  async resultFile(id: string, account: AccountId): Promise<ResultFile | null> {
    const row = await this.log.find(id);
    if (!row?.fileKey || !row.resultPayload || !isOf(row, account)) return null;
    const { file_name, file_size_bytes, sha256 } = row.resultPayload;
    return {
      fileName: String(file_name),
      fileKey: row.fileKey,
      sizeBytes: Number(file_size_bytes),
      sha256: String(sha256),
    };
  }

  /** @throws RequestNotFound, RequestUnfinished, StorageUnavailable */
  async remove(id: string, account: AccountId): Promise<void> {
    const row = await this.find(id, account);
    if (isFinished(row)) {
      if ((await this.removal.remove([id], this.removeFiles)) > 0) return;
      // Another caller may have deleted it.
      await this.find(id, account);
    }
    throw new RequestUnfinished();
  }

  /**
   * Deletes every finished request of a selection without a callback due, in batches: a call that fails has deleted some, and
   * can be repeated.
   * @returns The number of deleted requests.
   * @throws StorageUnavailable, DatabaseUnavailable, SearchBusy
   */
  async removeFinished(selection: RequestSelection): Promise<number> {
    let count = 0;
    for await (const ids of this.search.pages({ ...selection, isFinished: true }, REMOVE_BATCH))
      count += await this.removal.remove(ids, this.removeFiles);
    return count;
  }

  private readonly removeFiles = (keys: string[]): Promise<void> => this.files.remove(keys);
}

function isOf(row: RequestRecord, account: AccountId): boolean {
  return account === null || row.accountId === account;
}

function isFinished({ status }: RequestRecord): boolean {
  return status !== 'PENDING' && status !== 'PROCESSING';
}

import { Injectable } from '@nestjs/common';
import { NIL as NIL_ID, validate as isUuid } from 'uuid';
import type { Repository } from 'typeorm';
import { KeyedLimiter } from '../../platform/concurrency/keyed-limiter.js';
import type { Query } from '../../platform/database/database.js';
import { storedAccount } from '../../platform/tenant.js';
import { SearchBusy } from '../requests.errors.js';
import { type Examined, type IdOrder, type IdRange, RequestSearchRepository } from './request-search.repository.js';
import type { RequestRecord } from '../request.entity.js';
import type { RequestSelection } from './request-selection.js';

/** Time that one page of a search may take. A later page continues where it ended. */
const BUDGET_MS = 100;
/** Requests of the first statement of a search, and of the largest: they take about 1 ms per 1,000. */
const FIRST_ROWS = 2_000;
const MOST_ROWS = 16_000;

/** Searches of one account in this process. Each keeps a connection and the database busy. */
const SEARCHES_OF_ACCOUNT = { concurrency: 2, maxWaiting: 50, waitMs: 10_000 };

/** A part of the requests that match. */
export interface FoundIds {
  ids: string[];
  /** The search has examined the requests up to this one, and not those behind it; null at the end. */
  searchedTo: string | null;
}

/** Finds the requests of a selection, with its `q`. */
@Injectable()
export class RequestSearch {
  private readonly searches = new KeyedLimiter(SEARCHES_OF_ACCOUNT, () => new SearchBusy());

  constructor(private readonly requests: RequestSearchRepository) {}

  /**
   * Without `q` the page is full unless it is the last. With `q` requests are examined for about 100 ms, so that a page may
   * have few ids, or none, before the end.
   * @returns Up to `limit` ids, newest first.
   * @throws SearchBusy
   */
  async newest(selection: RequestSelection, beforeId: string | undefined, limit: number): Promise<FoundIds> {
    const range = { beforeId };
    const found = await this.withoutText(selection, range, 'newest-first', limit);
    return found ?? this.search(selection, range, 'newest-first', limit);
  }

  /**
   * The other direction of {@link newest}, for work on all requests that match.
   * @returns Up to `limit` ids, oldest first.
   * @throws SearchBusy
   */
  async oldest(selection: RequestSelection, range: IdRange, limit: number): Promise<FoundIds> {
    const found = await this.withoutText(selection, range, 'oldest-first', limit);
    return found ?? this.search(selection, range, 'oldest-first', limit);
  }

  /**
   * Reads all ids that match now, oldest first.
   * @param size Of a page at most.
   * @throws SearchBusy
   */
  async *pages(selection: RequestSelection, size: number): AsyncGenerator<string[]> {
    // Read instead of generated: the clock of another process that accepts requests may be ahead.
    const [upToId] = await this.requests.ids({ account: selection.account }, {}, 'newest-first', 1);
    if (upToId === undefined) return;
    for (let afterId: string | null = NIL_ID; afterId !== null;) {
      const { ids, searchedTo }: FoundIds = await this.oldest(selection, { afterId, upToId }, size);
      if (ids.length > 0) yield ids;
      afterId = searchedTo;
    }
  }

  /** @returns Null if requests have to be examined. */
  private async withoutText(
    selection: RequestSelection,
    range: IdRange,
    order: IdOrder,
    limit: number,
  ): Promise<FoundIds | null> {
    const { q, hasCallback } = selection;
    if (q === undefined && !hasCallback) {
      const ids = await this.requests.ids(selection, range, order, limit);
      return { ids, searchedTo: ids.length < limit ? null : ids.at(-1)! };
    }
    if (q === undefined || !isUuid(q) || !(await this.requests.has(selection, range, q))) return null;
    return { ids: [q.toLowerCase()], searchedTo: null };
  }

  private search(selection: RequestSelection, range: IdRange, order: IdOrder, limit: number): Promise<FoundIds> {
    return this.searches.run(storedAccount(selection.account), () => this.examine(selection, range, order, limit));
  }

  private async examine(selection: RequestSelection, range: IdRange, order: IdOrder, limit: number): Promise<FoundIds> {
    const endsAtMs = performance.now() + BUDGET_MS;
    const { account, q } = selection;
    // Every URL contains the empty text.
    const search = { text: q ?? '', reports: q === undefined ? [] : await this.requests.reportsWith(account, q) };
    const ids: string[] = [];
    let next: Examined['lastId'] = null;
    for (let rows = FIRST_ROWS; ; rows = Math.min(2 * rows, MOST_ROWS)) {
      const from = next === null ? range : { ...range, [order === 'newest-first' ? 'beforeId' : 'afterId']: next };
      const examined: Examined = await this.requests.examine(selection, search, from, order, rows);
      ids.push(...examined.ids);
      if (ids.length >= limit) return { ids: ids.slice(0, limit), searchedTo: ids[limit - 1]! };
      next = examined.lastId;
      if (next === null || performance.now() >= endsAtMs) return { ids, searchedTo: next };
    }
  }
}

/** @param query Of a transaction. @returns A search that reads within it. */
export function searchWithin(query: Query): RequestSearch {
  const read = (text: string, values: unknown[] = []) => query({ name: '', text }, values);
  return new RequestSearch(new RequestSearchRepository({ query: read as Repository<RequestRecord>['query'] }));
}

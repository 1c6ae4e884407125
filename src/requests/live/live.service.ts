import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { ServerSentEvent } from '../../http/event-stream.js';
import { logOnce } from '../../platform/observability/log-once.js';
import type { AccountId } from '../../platform/tenant.js';
import { requestView } from '../request.view.js';
import { RequestNotFound } from '../requests.errors.js';
import { RequestsService } from '../requests.service.js';
import { selectionOf } from '../search/request-selection.js';
import type { LiveQuery } from './live.schema.js';
import { LiveLanes } from './live-lanes.js';
import { LiveReads } from './live-reads.js';
import { LiveSource } from './live-source.js';
import type { LiveEntry, LiveEvent, LiveState } from './live-view.js';
import { isOver, requestHistory } from './request-history.js';

/** Characters of the requests of a view, which is kept in memory. A page of 200 usual requests takes a fifth of them. */
const MAX_VIEW_CHARS = 1_048_576;
/** Pauses between the reads of one request: short while something happens, then longer. */
const READ_EVERY_MS = 200;
const MAX_PAUSE_MS = 1_000;

/** The view of a listener. */
export interface LiveFilter extends LiveQuery {
  /** Null for the requests and lanes of all accounts. */
  account: AccountId;
  /** Whether to show which worker has leased a lane. */
  isOperator: boolean;
}

interface Shared {
  source: LiveSource;
  listeners: number;
}

/** Reads the views of listeners. Listeners of the same view share its reads and its events. */
@Injectable()
export class LiveService {
  private readonly failed = logOnce(new Logger(LiveService.name), 'A live view was not read');
  private readonly views = new Map<string, Shared>();

  constructor(
    private readonly requests: RequestsService,
    private readonly lanes: LiveLanes,
    private readonly reads: LiveReads,
  ) {}

  /** Yields the state of a page of requests and their lanes, then what changed, at most five times a second. */
  async *view(filter: LiveFilter, closed: AbortSignal): AsyncGenerator<LiveEvent> {
    const key = JSON.stringify(filter);
    const shared = this.views.get(key) ?? { source: this.open(filter), listeners: 0 };
    this.views.set(key, shared);
    shared.listeners += 1;
    try {
      yield* shared.source.events(closed);
    } finally {
      shared.listeners -= 1;
      if (shared.listeners === 0) {
        shared.source.end();
        this.views.delete(key);
      }
    }
  }

  /**
   * Yields the history of one request, and `end` with the request when nothing follows.
   * @param lastId The id of the last event that the client has, which is not sent again.
   */
  async *history(
    id: string,
    account: AccountId,
    lastId: string | undefined,
    closed: AbortSignal,
  ): AsyncGenerator<ServerSentEvent> {
    const sent = new Set<string>();
    let skipTo = lastId;
    for (let pauseMs = READ_EVERY_MS; !closed.aborted; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      const read = await this.readHistory(id, account);
      if (read === 'gone') {
        yield { type: 'end', data: { deleted: true, id } };
        return;
      }
      const fresh = read?.events.filter((event) => !sent.has(event.id)) ?? [];
      const skipped = fresh.findIndex((event) => event.id === skipTo) + 1;
      if (read) skipTo = undefined;
      for (const event of fresh) sent.add(event.id);
      yield* fresh.slice(skipped);
      if (read?.isOver) {
        yield { type: 'end', data: read.request };
        return;
      }
      if (fresh.length > 0) pauseMs = READ_EVERY_MS;
      await sleep(pauseMs, undefined, { signal: closed, ref: false }).catch(() => undefined);
    }
  }

  private open(filter: LiveFilter): LiveSource {
    return new LiveSource(
      () => this.reads.run(filter.account, () => this.readState(filter)),
      (error) => this.failed(error as Error),
    );
  }

  private async readState({ account, isOperator, limit, ...filter }: LiveFilter): Promise<LiveState> {
    const requests = await requestEntries(this.requests.newestInPieces(selectionOf(filter, account), limit));
    const lanes = await this.lanes.live(account, filter.lane, isOperator);
    return { requests, lanes: new Map(lanes.map((row) => [row.lane, laneEntry(row)])) };
  }

  /** @returns `gone` for a request that was deleted; null when the read failed, and is repeated. */
  private async readHistory(id: string, account: AccountId) {
    try {
      const { row, callback, attempts } = await this.reads.run(account, () => this.requests.trace(id, account));
      return {
        events: requestHistory(row, callback, attempts),
        isOver: isOver(row, callback),
        request: requestView(row, callback),
      };
    } catch (error) {
      if (error instanceof RequestNotFound) return 'gone';
      this.failed(error as Error);
      return null;
    }
  }
}

/** The newest requests, up to the bound of a view. */
async function requestEntries(pieces: AsyncIterable<{ id: string }[]>): Promise<Map<string, LiveEntry>> {
  const entries = new Map<string, LiveEntry>();
  let chars = 0;
  for await (const requests of pieces) {
    for (const request of requests) {
      const json = JSON.stringify(request);
      chars += json.length;
      if (chars > MAX_VIEW_CHARS && entries.size > 0) return entries;
      entries.set(request.id, { json, mark: json });
    }
  }
  return entries;
}

/** The age of a waiting request grows by itself, and is no change of its lane. */
function laneEntry(lane: object): LiveEntry {
  return { json: JSON.stringify(lane), mark: JSON.stringify({ ...lane, head_age_seconds: null }) };
}

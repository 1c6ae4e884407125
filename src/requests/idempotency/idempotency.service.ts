import { Injectable } from '@nestjs/common';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { removeWithinTimeBudget } from '../../platform/concurrency/time-budget.js';
import type { Query } from '../../platform/database/database.js';
import type { RequestRecord } from '../request.entity.js';
import { RequestRepository } from '../request.repository.js';
import { acknowledgement, syncAnswer } from '../request.view.js';
import {
  KeyAlreadyUsed,
  KeyReusedForOtherBody,
  KeyStillRunning,
  type ReportHasFailed,
  reportFailure,
} from '../requests.errors.js';
import type { IdempotencyRecord } from './idempotency-key.entity.js';
import { IdempotencyRepository } from './idempotency.repository.js';

/** The first response as JSON text; or the failure, which the edge renders. */
type FirstResponse = { status: number; body: string; isOfBatch?: boolean } | { failure: ReportHasFailed };

/** The response to the first request with a key. */
export type Replay = FirstResponse & {
  /** Null for a route that creates no request. */
  requestId: string | null;
  result: Record<string, unknown> | null;
};

const MAX_AGE_S = 86_400;
const EXPIRE_BATCH = 1_000;
const EXPIRE_BUDGET_MS = 500;

/** Replays the first response to requests that repeat an idempotency key, for 24 hours. */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly keys: IdempotencyRepository,
    private readonly requests: RequestRepository,
  ) {}

  /**
   * @returns The first response, or null if the key is free: its request was never accepted, or was deleted.
   * @throws KeyReusedForOtherBody, KeyStillRunning, DatabaseUnavailable
   */
  async replay(key: IdempotencyKey): Promise<Replay | null> {
    const record = await this.keys.find(key);
    if (!record) return null;
    if (record.fingerprint !== key.fingerprint) throw new KeyReusedForOtherBody();
    const { requestId } = record;
    if (requestId === null) return storedReplay(record);
    const request = await this.requests.find(requestId);
    if (!request) {
      await this.keys.free([{ ...key, requestId }]);
      return null;
    }
    const response = storedResponse(record, request) ?? renderedResponse(request);
    return { requestId: request.id, result: request.resultPayload, ...response };
  }

  /**
   * Does work that creates no request, once: its key and its response are stored in the transaction of the work.
   * @param query Of that transaction, in which this is the first statement.
   * @param key Null for a caller that sent none.
   * @param work Resolves with the body of the response, which is sent unchanged.
   * @throws KeyAlreadyUsed
   */
  async once<Body extends object>(
    query: Query,
    key: IdempotencyKey | null,
    status: number,
    work: () => Promise<Body>,
  ): Promise<Body> {
    if (!key) return work();
    if (!(await this.keys.claim(query, key))) throw new KeyAlreadyUsed(key);
    const body = await work();
    await this.keys.keepResponseWithin(query, key, status, JSON.stringify(body));
    return body;
  }

  /** Deletes keys that are older than 24 hours, for up to half a second. Every sweep calls it. */
  async removeExpired(): Promise<void> {
    await removeWithinTimeBudget(EXPIRE_BUDGET_MS, EXPIRE_BATCH, (limit) => this.keys.removeExpired(MAX_AGE_S, limit));
  }

  /**
   * Stores a response that {@link replay} cannot render from the request.
   * @param query Of the accepting transaction, for a response that is stored with the requests.
   */
  async keepResponse(key: IdempotencyKey, status: number, body: object, query?: Query): Promise<void> {
    const text = JSON.stringify(body);
    await (query ? this.keys.keepResponseWithin(query, key, status, text) : this.keys.keepResponse(key, status, text));
  }

  /** Frees the keys of requests that were not accepted. */
  async free(keys: (IdempotencyKey & { requestId: string })[]): Promise<void> {
    await this.keys.free(keys);
  }
}

/** The response of a route that creates no request. It was stored in the transaction that claimed the key. */
function storedReplay({ responseStatus, responseBody }: IdempotencyRecord): Replay {
  const body = responseBody ?? '{}';
  return { requestId: null, result: JSON.parse(body) as Record<string, unknown>, status: responseStatus ?? 200, body };
}

/** Of async requests only the response to a batch is stored; the others are rendered from their request. */
function storedResponse(
  { responseStatus, responseBody }: { responseStatus: number | null; responseBody: string | null },
  { mode }: RequestRecord,
): FirstResponse | null {
  if (responseStatus === null || responseBody === null) return null;
  return { status: responseStatus, body: responseBody, isOfBatch: mode === 'async' };
}

/** The response that a request got, or would have got if its process had not crashed first. */
function renderedResponse(request: RequestRecord): FirstResponse {
  if (request.mode === 'async') return { status: 202, body: JSON.stringify(acknowledgement(request)) };
  if (request.status === 'PROCESSING') throw new KeyStillRunning();
  // Returned, not thrown: it is the stored response of the key, and the repeat itself succeeds.
  if (request.status === 'FAILED') return { failure: reportFailure(request.id, request.error ?? 'The report failed.') };
  return { status: 200, body: JSON.stringify(syncAnswer(request.id, request.resultPayload ?? {})) };
}

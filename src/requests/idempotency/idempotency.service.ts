import { Injectable } from '@nestjs/common';
import { withinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { IdempotencyStore } from './idempotency.store.js';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import type { Query } from '../../platform/database/database.js';
import { type RequestRow, RequestStore } from '../request.store.js';
import { acknowledgement, syncAnswer } from '../request.view.js';
import { KeyReusedForOtherBody, KeyStillRunning, ReportHasFailed } from '../requests.errors.js';

/** JSON text, as it was sent; or a failure, which the edge makes a text of. */
type FirstAnswer = { status: number; body: string; isOfBatch?: boolean } | { failure: ReportHasFailed };

/** What the first request with a key was answered. */
export type Replay = FirstAnswer & {
  requestId: string;
  result: Record<string, unknown> | null;
};

const KEPT_S = 86_400;
const FORGET_BATCH = 1_000;
/** Of one sweep. */
const FORGET_BUDGET_MS = 500;

/** Answers a repeated idempotency key with what the first one led to. */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly keys: IdempotencyStore,
    private readonly requests: RequestStore,
  ) {}

  /**
   * @returns The first answer, or null when the key is free again (its request was never admitted, or was deleted).
   * @throws KeyReusedForOtherBody, KeyStillRunning
   */
  async replay(key: IdempotencyKey): Promise<Replay | null> {
    const row = await this.keys.find(key);
    if (!row) return null;
    if (row.fingerprint !== key.fingerprint) throw new KeyReusedForOtherBody();
    const request = await this.requests.find(row.request_id);
    if (!request) {
      await this.keys.free([{ ...key, requestId: row.request_id }]);
      return null;
    }
    const kept = row.response_body !== null && row.response_status !== null;
    // Of async requests only a batch's answer is kept: the others are made again from their request.
    const isOfBatch = kept && request.mode === 'async';
    const answer = kept ? { status: row.response_status!, body: row.response_body!, isOfBatch } : firstAnswer(request);
    return { requestId: request.id, result: request.result_payload, ...answer };
  }

  /** Frees keys after 24 hours, as many as goes in half a second. Called by every sweep. */
  async forgetExpired(): Promise<void> {
    await withinTimeBudget(
      FORGET_BUDGET_MS,
      async () => (await this.keys.forgetExpired(KEPT_S, FORGET_BATCH)) === FORGET_BATCH,
    );
  }

  /**
   * Keeps a response that {@link replay} could not render again from the request.
   * @param query Of the transaction that this belongs to, if it belongs to one.
   */
  async keepResponse(key: IdempotencyKey, status: number, body: object, query?: Query): Promise<void> {
    await this.keys.keepResponse(key, status, JSON.stringify(body), query);
  }

  /** Frees keys whose request was not admitted. */
  async free(keys: (IdempotencyKey & { requestId: string })[]): Promise<void> {
    await this.keys.free(keys);
  }
}

/** Pure: what a request was answered, or would have been had its process not died in between. */
function firstAnswer(request: RequestRow): FirstAnswer {
  if (request.mode === 'async') return { status: 202, body: JSON.stringify(acknowledgement(request)) };
  if (request.status === 'PROCESSING') throw new KeyStillRunning();
  // Not thrown: it is what this key is answered with, and no failure of the repeat.
  if (request.status === 'FAILED')
    return { failure: new ReportHasFailed(request.id, request.error ?? 'The report failed.') };
  return { status: 200, body: JSON.stringify(syncAnswer(request.id, request.result_payload ?? {})) };
}

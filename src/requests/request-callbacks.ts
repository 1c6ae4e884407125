import type { Query } from '../platform/database/database.js';

/** The state of a request's callback. */
export interface CallbackState {
  status: 'PENDING' | 'SUCCESS' | 'FAILED';
  /** Attempts that have ended. */
  attempts: number;
  /** Why it is not delivered; null when it is, or was not tried. */
  error: string | null;
  /** Null when it has ended. */
  nextAttemptAt: Date | null;
}

/** The trace of an attempt. Of an attempt whose end is not recorded, `success` and the fields of the response are null. */
export interface CallbackTrace {
  url: string;
  dialledAddress: string | null;
  requestHeaders: object | null;
  bodyBytes: number | null;
  bodySha256: string | null;
  statusCode: number | null;
  responseHeaders: object | null;
  responseBody: string | null;
  success: boolean | null;
  errorKind: string | null;
  errorMessage: string | null;
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  firstByteMs: number | null;
  responseTimeMs: number | null;
  attemptedAt: Date;
}

/** One attempt to deliver a request's callback. */
export interface CallbackAttempt extends CallbackTrace {
  attemptNumber: number;
  trigger: 'first' | 'retry' | 'manual' | 'replay';
  nextAttemptAt: Date | null;
}

/** The callbacks of requests, as the request log shows and deletes them; `callbacks/` implements it. */
export abstract class RequestCallbacks {
  /**
   * One query for any number of requests.
   * @returns States by request id. Requests without a callback, and unfinished requests, are missing from the map.
   */
  abstract states(requestIds: string[]): Promise<Map<string, CallbackState>>;

  /** @returns The newest attempts of a request, up to the limit, oldest first. */
  abstract newestAttempts(requestId: string, limit: number): Promise<CallbackAttempt[]>;

  abstract countAttempts(requestId: string): Promise<number>;

  /** @returns Those of the finished requests whose callback is still due. */
  abstract findDue(requestIds: string[], query: Query): Promise<Set<string>>;

  /**
   * Locks the callbacks of finished requests until the transaction ends: no attempt is recorded and no callback becomes due
   * again before that. Deliveries are locked by id and before any request, as everywhere.
   * @param query Of the transaction.
   * @returns Those of the requests whose callback is due, read under the lock.
   */
  abstract lock(requestIds: string[], query: Query): Promise<Set<string>>;

  /** Deletes the callbacks of requests and their attempts. The transaction must hold the {@link lock}. */
  abstract remove(requestIds: string[], query: Query): Promise<void>;
}

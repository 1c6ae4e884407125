import type { AccountId } from '../platform/tenant.js';
import { destination, storedUrl } from '../callbacks/url-guard/callback-url.js';

/** A request that is ready to run. */
export interface Job {
  id: string;
  mode: 'sync' | 'async';
  account: AccountId;
  report: string;
  format: string;
  params: object;
  callbackUrl: string | null;
  /** Position in its lane; 0 for sync. */
  queuePosition: number;
  /** Fencing epoch of a sync request; async requests use the epoch of their lane. */
  leaseEpoch: number;
  /** Workers that crashed while they generated it. */
  crashCount: number;
}

/** The outcome of a request. Exactly one of `result` and `error` is set. */
export interface Completion {
  id: string;
  /** JSON. */
  result: string | null;
  fileKey: string | null;
  /** Bytes of the file; null without one. */
  fileBytes: number | null;
  error: string | null;
  startedAt: Date;
  completedAt: Date;
  /** Id of the callback delivery, if there is one. */
  deliveryId: string;
  /** The result of {@link destinationOf}. */
  destination: string | null;
}

/** Returns `scheme://host:port` of an accepted callback URL; null without a URL. */
export function destinationOf(callbackUrl: string | null): string | null {
  return callbackUrl === null ? null : destination(storedUrl(callbackUrl));
}

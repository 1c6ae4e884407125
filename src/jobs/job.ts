import { destination, storedUrl } from '../callbacks/url-guard/callback-url.js';

/** A request that waits to be made. */
export interface Job {
  id: string;
  mode: 'sync' | 'async';
  report: string;
  format: string;
  params: object;
  callbackUrl: string | null;
  /** In its lane; 0 for sync. */
  queuePosition: number;
  /** Of a sync request; async requests go by their lane's. */
  leaseEpoch: number;
  /** Processes that died while they made it. */
  crashCount: number;
}

/** What came of a request. Exactly one of result and error is set. */
export interface Completion {
  id: string;
  /** JSON. */
  result: string | null;
  fileKey: string | null;
  error: string | null;
  startedAt: Date;
  completedAt: Date;
  /** Of the callback that is owed. */
  deliveryId: string;
  /** As {@link destinationOf} has it. */
  destination: string | null;
}

/** `scheme://host:port` of a callback URL that was accepted; null when no callback is owed. */
export function destinationOf(callbackUrl: string | null): string | null {
  return callbackUrl === null ? null : destination(storedUrl(callbackUrl));
}

import { destination, storedUrl } from '../callbacks/url-guard/url-guard.js';
import { DRAINING_SUFFIX } from '../platform/concurrency/worker-id.js';

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

/** What a store reads of request r to make a {@link Job} of; its lease is the store's to say. */
export const JOB = `r.id, r.mode, r.report, r.format, r.input_payload AS params, r.callback_url AS "callbackUrl",
  coalesce(r.queue_position, 0) AS "queuePosition", coalesce(cardinality(r.crashed_workers), 0) AS "crashCount"`;

/** The holder of a lease that has run out, if that may be its death: not if it was we, or was about to end anyway. */
export const lostBy = (holder: string, us: string): string =>
  `CASE WHEN ${holder} NOT LIKE '%${DRAINING_SUFFIX}' THEN nullif(${holder}, ${us}) END`;

/**
 * The processes that died while they made request r, when it passes from a holder that fell silent. By their names, so that
 * a process that turns out to be alive can take itself off again, and so that it counts once, however often it falls silent.
 */
export const withCrashOf = (holder: string): string =>
  `CASE WHEN r.status = 'PROCESSING' AND ${holder} IS NOT NULL AND ${holder} <> ALL (coalesce(r.crashed_workers, '{}'))
     THEN array_append(r.crashed_workers, ${holder}) ELSE r.crashed_workers END`;

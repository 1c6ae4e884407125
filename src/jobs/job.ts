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

/**
 * The worker that lost an expired lease, null unless it may have crashed: this worker and draining workers do not count.
 * Reads `leased_by`.
 */
export const LOST_WORKER =
  `CASE WHEN leased_by NOT LIKE '%${DRAINING_SUFFIX}' THEN nullif(leased_by, :workerId) END` as const;

/**
 * The workers that crashed while they generated request r, when it passes on from `lost_worker`. The list holds names, so
 * that a worker counts once however often it stalls, and so that one that was only slow can remove itself.
 */
export const CRASHED_WORKERS = `CASE
  WHEN r.status = 'PROCESSING' AND lost_worker IS NOT NULL AND lost_worker <> ALL (coalesce(r.crashed_workers, '{}'))
  THEN array_append(r.crashed_workers, lost_worker) ELSE r.crashed_workers END`;

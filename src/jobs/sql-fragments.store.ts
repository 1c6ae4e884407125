import { DRAINING_SUFFIX } from '../platform/concurrency/worker-id.js';
import { OPEN_INSTALLATION } from '../platform/tenant.js';

/** The account of lanes without one, in place of its id: those of an open installation. */
export const OPEN_ACCOUNT = '-';

/**
 * The account of a lane, or {@link OPEN_ACCOUNT}. This is the expression of the index `lanes_waiting`: an account's lane is
 * named `<account id>/<lane>`.
 */
export function accountOf<const Lane extends string>(lane: Lane) {
  return `CASE WHEN strpos(${lane}, '/') > 0 THEN split_part(${lane}, '/', 1) ELSE '-' END` as const;
}

/** The first position of a lane that does not exist: 1, or behind those of the account's reaped lanes. */
export function firstPosition<const Lane extends string>(lane: Lane) {
  return `coalesce((SELECT reaped.next_position FROM reaped_lanes reaped WHERE reaped.account = ${accountOf(lane)}), 1)` as const;
}

/** Columns of request r that make a `Job`, but for its lease epoch: lanes and sync requests keep that in different places. */
export const JOB = `r.id, r.mode, r.report, r.format, r.input_payload AS params, r.callback_url AS "callbackUrl",
  r.account_id AS account, coalesce(r.queue_position, 0) AS "queuePosition",
  coalesce(cardinality(r.crashed_workers), 0) AS "crashCount"`;

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

/**
 * Inserts the callback deliveries of the requests in `finished`. Part of every statement that ends a request: completing in
 * a lane, completing sync, cancelling. These write callbacks/'s table `callback_deliveries`, because a request must not
 * end without its delivery: both are one transaction and one round trip.
 *
 * `finished` has the columns id, account_id, callback_url, lane, queue_position, delivery_id and destination.
 */
export const DELIVERY_INSERT = `
    INSERT INTO callback_deliveries (id, request_id, url, account_id, destination, lane, queue_position)
    SELECT delivery_id, id, callback_url, coalesce(account_id, '${OPEN_INSTALLATION}'), destination, lane, queue_position FROM finished
    WHERE callback_url IS NOT NULL ORDER BY queue_position`;

/**
 * Counts the bytes of the files of the requests in `finished` as stored by their accounts. Part of every statement that
 * completes a request, for the same reason as {@link DELIVERY_INSERT}. It writes requests/'s table `account_storage_changes`.
 *
 * `finished` has the columns account_id and file_bytes.
 */
export const STORED_INSERT = `
    INSERT INTO account_storage_changes (account_id, bytes)
    SELECT coalesce(account_id, '${OPEN_INSTALLATION}'), sum(file_bytes) FROM finished
    WHERE file_bytes > 0 GROUP BY 1`;

/**
 * Marks the request that was begun in a leased lane as pending again. It is the first unfinished one, leaving out those that
 * the same statement completes.
 */
export const UNBEGIN = `
    UPDATE requests r SET status = 'PENDING', started_at = NULL
    WHERE r.status = 'PROCESSING' AND r.id = (
      SELECT n.id FROM requests n
      WHERE n.lane = :lane AND n.status IN ('PENDING', 'PROCESSING') AND n.id <> ALL (:ids::uuid[])
      ORDER BY n.queue_position LIMIT 1)`;

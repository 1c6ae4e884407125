import { Injectable } from '@nestjs/common';
import { DRAINING_SUFFIX, WORKER_HOST_PREFIX, WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';

/** Workers whose id starts with a prefix and that have a lease. */
const LEASING = statement(
  'worker_leases_find',
  `SELECT leased_by AS "workerId" FROM lanes
    WHERE pending > 0 AND NOT paused AND starts_with(leased_by, :prefix) AND lease_until > clock_timestamp()
  UNION SELECT leased_by FROM lanes
    WHERE pending > 0 AND paused AND starts_with(leased_by, :prefix) AND lease_until > clock_timestamp()
  UNION SELECT DISTINCT leased_by FROM requests
    WHERE mode = 'sync' AND status = 'PROCESSING' AND starts_with(leased_by, :prefix) AND lease_until > clock_timestamp()`,
);

const EXPIRE = statement(
  'worker_leases_expire',
  `WITH held AS (
    SELECT name FROM lanes WHERE leased_by = ANY (:workerIds::text[]) ORDER BY name FOR UPDATE
  ), held_sync AS (
    SELECT id FROM requests
    WHERE mode = 'sync' AND status = 'PROCESSING' AND leased_by = ANY (:workerIds::text[]) ORDER BY id FOR UPDATE
  ), expired AS (
    UPDATE lanes l SET lease_until = NULL FROM held WHERE l.name = held.name
  )
  UPDATE requests r SET lease_until = '-infinity' FROM held_sync WHERE r.id = held_sync.id`,
);

const DRAIN = statement(
  'worker_leases_drain',
  `WITH held AS (
    SELECT name FROM lanes WHERE leased_by = :workerId ORDER BY name FOR UPDATE
  ), held_sync AS (
    SELECT id FROM requests
    WHERE mode = 'sync' AND status = 'PROCESSING' AND leased_by = :workerId ORDER BY id FOR UPDATE
  ), drained AS (
    UPDATE lanes l SET leased_by = :workerId || '${DRAINING_SUFFIX}' FROM held WHERE l.name = held.name
  )
  UPDATE requests r SET leased_by = :workerId || '${DRAINING_SUFFIX}' FROM held_sync WHERE r.id = held_sync.id`,
);

/** Skips locked requests, which are beginning or completing just now; the next sweep gets them. */
const CLEAR_CRASH_REPORTS = statement(
  'request_clear_crash_reports',
  `WITH blamed AS (
    SELECT id FROM requests WHERE crashed_workers IS NOT NULL AND status IN ('PENDING', 'PROCESSING')
      AND crashed_workers @> ARRAY[:workerId::text] FOR UPDATE SKIP LOCKED
  )
  UPDATE requests r SET crashed_workers = nullif(array_remove(r.crashed_workers, :workerId), '{}')
  FROM blamed WHERE r.id = blamed.id`,
);

/**
 * All leases of a worker on lanes and sync requests. Hand-written SQL, because the order of locks matters: lanes by name,
 * then requests by id, as in every other statement.
 */
@Injectable()
export class WorkerLeasesStore {
  constructor(private readonly database: Database) {}

  /** Returns the ids of the workers on this host that have a lease. */
  findOnThisHost(): Promise<string[]> {
    return this.leasing(WORKER_HOST_PREFIX);
  }

  /** Returns the ids of all workers that have a lease, draining ones included. */
  async findAll(): Promise<Set<string>> {
    return new Set((await this.leasing('')).map((workerId) => workerId.replace(DRAINING_SUFFIX, '')));
  }

  /** Ends the leases of crashed workers at once. */
  async expire(workerIds: string[]): Promise<void> {
    await this.database.query(EXPIRE, { workerIds });
  }

  /** Marks this worker's leases as draining: if it is killed from now on, that does not count as a crash. */
  async drain(): Promise<void> {
    await this.database.query(DRAIN, { workerId: WORKER_ID });
  }

  /** Removes this worker from the crash counts of requests: it did not crash, but stalled for longer than its lease. */
  async clearCrashReports(): Promise<void> {
    await this.database.query(CLEAR_CRASH_REPORTS, { workerId: WORKER_ID });
  }

  private async leasing(prefix: string): Promise<string[]> {
    const rows: { workerId: string }[] = await this.database.query(LEASING, { prefix });
    return rows.map(({ workerId }) => workerId);
  }
}

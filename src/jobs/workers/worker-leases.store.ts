import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { WORKER_ID, WORKER_HOST_PREFIX, DRAINING_SUFFIX } from '../../platform/concurrency/worker-id.js';

/** Lanes and sync requests of holders, locked as everywhere: lanes by name, requests by id. */
const heldBy = (whom: string): string => `held AS (
    SELECT name FROM lanes WHERE leased_by ${whom} ORDER BY name FOR UPDATE
  ), held_sync AS (
    SELECT id FROM requests WHERE mode = 'sync' AND status = 'PROCESSING' AND leased_by ${whom} ORDER BY id FOR UPDATE
  )`;

/** All SQL of the processes that hold leases of lanes and sync requests: which are there, which end or have died. */
@Injectable()
export class WorkerLeasesStore {
  constructor(private readonly database: Database) {}

  /** Everybody on this host who holds a lease. */
  async onThisHost(): Promise<string[]> {
    const text = `SELECT DISTINCT leased_by AS holder FROM lanes
        WHERE pending > 0 AND starts_with(leased_by, $1) AND lease_until > clock_timestamp()
      UNION SELECT DISTINCT leased_by FROM requests
        WHERE mode = 'sync' AND status = 'PROCESSING' AND starts_with(leased_by, $1) AND lease_until > clock_timestamp()`;
    const rows = await this.database.query<{ holder: string }>({ name: 'lane_workers', text }, [WORKER_HOST_PREFIX]);
    return rows.map(({ holder }) => holder);
  }

  /** Ends the leases of holders that are dead. */
  async expire(holders: string[]): Promise<void> {
    const text = `WITH ${heldBy('= ANY ($1::text[])')}, expired AS (
        UPDATE lanes l SET lease_until = NULL FROM held WHERE l.name = held.name
      )
      UPDATE requests r SET lease_until = '-infinity' FROM held_sync WHERE r.id = held_sync.id`;
    await this.database.query({ name: 'lane_expire', text }, [holders]);
  }

  /**
   * Says that this process is about to end: should it be ended before its work is, that counts as nobody's death. It keeps
   * its leases.
   */
  async leave(): Promise<void> {
    const text = `WITH ${heldBy('= $1')}, leaving AS (
        UPDATE lanes l SET leased_by = $1 || '${DRAINING_SUFFIX}' FROM held WHERE l.name = held.name
      )
      UPDATE requests r SET leased_by = $1 || '${DRAINING_SUFFIX}' FROM held_sync WHERE r.id = held_sync.id`;
    await this.database.query({ name: 'lane_leave', text }, [WORKER_ID]);
  }

  /** Takes this process off the lists of the dead: it was silent for longer than its lease, and goes on. */
  async clearCrashReports(): Promise<void> {
    // What is locked is just being finished or begun; the next sweep comes to it.
    const text = `WITH blamed AS (
        SELECT id FROM requests WHERE crashed_workers IS NOT NULL AND status IN ('PENDING', 'PROCESSING')
          AND crashed_workers @> ARRAY[$1::text] FOR UPDATE SKIP LOCKED
      )
      UPDATE requests r SET crashed_workers = nullif(array_remove(r.crashed_workers, $1), '{}') FROM blamed WHERE r.id = blamed.id`;
    await this.database.query({ name: 'request_clear_crash_reports', text }, [WORKER_ID]);
  }
}

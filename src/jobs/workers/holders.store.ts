import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { HOLDER, HOST_PREFIX, LEAVING } from '../../platform/concurrency/worker-id.js';

/** Lanes and sync requests of holders, locked as everywhere: lanes by name, requests by id. */
const heldBy = (whom: string): string => `held AS (
    SELECT name FROM lanes WHERE lease_holder ${whom} ORDER BY name FOR UPDATE
  ), held_sync AS (
    SELECT id FROM requests WHERE mode = 'sync' AND status = 'PROCESSING' AND lease_holder ${whom} ORDER BY id FOR UPDATE
  )`;

/** All SQL of the processes that hold leases of lanes and sync requests: which are there, which end or have died. */
@Injectable()
export class HoldersStore {
  constructor(private readonly database: Database) {}

  /** Everybody on this host who holds a lease. */
  async onThisHost(): Promise<string[]> {
    const text = `SELECT DISTINCT lease_holder AS holder FROM lanes
        WHERE pending > 0 AND starts_with(lease_holder, $1) AND lease_until > clock_timestamp()
      UNION SELECT DISTINCT lease_holder FROM requests
        WHERE mode = 'sync' AND status = 'PROCESSING' AND starts_with(lease_holder, $1) AND lease_until > clock_timestamp()`;
    const rows = await this.database.query<{ holder: string }>({ name: 'lane_holders', text }, [HOST_PREFIX]);
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
        UPDATE lanes l SET lease_holder = $1 || '${LEAVING}' FROM held WHERE l.name = held.name
      )
      UPDATE requests r SET lease_holder = $1 || '${LEAVING}' FROM held_sync WHERE r.id = held_sync.id`;
    await this.database.query({ name: 'lane_leave', text }, [HOLDER]);
  }

  /** Takes this process off the lists of the dead: it was silent for longer than its lease, and goes on. */
  async refuteDeath(): Promise<void> {
    // What is locked is just being finished or begun; the next sweep comes to it.
    const text = `WITH blamed AS (
        SELECT id FROM requests WHERE died_making IS NOT NULL AND status IN ('PENDING', 'PROCESSING')
          AND died_making @> ARRAY[$1::text] FOR UPDATE SKIP LOCKED
      )
      UPDATE requests r SET died_making = nullif(array_remove(r.died_making, $1), '{}') FROM blamed WHERE r.id = blamed.id`;
    await this.database.query({ name: 'request_refute_death', text }, [HOLDER]);
  }
}

import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Database } from '../database.js';
import { HOLDER, HOST_PREFIX } from '../holder.js';
import { CallbackLogEntity } from './callback-log.entity.js';

/** A delivery that is due, with what its body is made of. */
export interface DueDelivery {
  id: string;
  requestId: string;
  url: string;
  destination: string;
  lane: string;
  queuePosition: number;
  /** Attempts made before. */
  attempts: number;
  requestStatus: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  requestPosition: number | null;
  result: Record<string, unknown> | null;
  error: string | null;
  completedAt: Date;
}

/** Deliveries of one lane to one destination; their first attempts go one after the other. */
export interface StreamHead {
  id: string;
  lane: string;
  destination: string;
  queuePosition: number;
}

/** How an attempt ended and what follows from it. */
export interface AttemptRecord {
  deliveryId: string;
  status: 'PENDING' | 'SUCCESS' | 'FAILED';
  nextAttemptAt: Date | null;
  log: Omit<CallbackLogEntity, 'id' | 'request'>;
}

const IS_FIRST = `d.status = 'PENDING' AND d.attempts = 0`;
const IS_FREE = `(d.lease_until IS NULL OR d.lease_until < clock_timestamp())`;

const DUE = `d.id, d.request_id AS "requestId", d.url, d.destination, d.lane, d.queue_position AS "queuePosition",
  d.attempts, r.status AS "requestStatus", r.queue_position AS "requestPosition", r.result_payload AS result, r.error,
  r.completed_at AS "completedAt"`;

/**
 * The heads of streams, by a loose index scan: one probe a stream, however long the backlog of each is. It begins after
 * the stream taken last and goes round, so that every stream has its turn.
 */
const HEADS = `
  WITH RECURSIVE heads AS (
    (SELECT d.id, d.lane, d.destination, d.lease_until FROM callback_deliveries d
      WHERE ${IS_FIRST} AND (d.lane, d.destination) > ($1, $2)
      ORDER BY d.lane, d.destination, d.queue_position LIMIT 1)
    UNION ALL
    SELECT next.* FROM heads h CROSS JOIN LATERAL (
      SELECT d.id, d.lane, d.destination, d.lease_until FROM callback_deliveries d
      WHERE ${IS_FIRST} AND (d.lane, d.destination) > (h.lane, h.destination)
      ORDER BY d.lane, d.destination, d.queue_position LIMIT 1) next
  )
  SELECT d.id FROM heads d WHERE ${IS_FREE} AND d.destination <> ALL ($3::text[]) LIMIT $4`;

/**
 * Leases heads. The lease of its head is the lease of the stream: what stands behind it is nobody's to send, and when
 * the head is done the lease moves on in the same transaction. A head that somebody else took or finished since it was
 * read fails the condition when its row is locked.
 */
const LEASE_HEADS = `
  UPDATE callback_deliveries t SET lease_holder = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
  FROM (SELECT d.id FROM callback_deliveries d WHERE d.id = ANY ($1::uuid[]) AND ${IS_FIRST} AND ${IS_FREE}
        ORDER BY d.id FOR UPDATE SKIP LOCKED) free
  WHERE t.id = free.id
  RETURNING t.id, t.lane, t.destination, t.queue_position AS "queuePosition"`;

const LEASE_RETRIES = `
  WITH due AS (
    SELECT d.id FROM callback_deliveries d
    WHERE d.status = 'PENDING' AND d.attempts > 0 AND d.next_attempt_at <= clock_timestamp() AND ${IS_FREE}
      AND d.destination <> ALL ($1::text[])
    ORDER BY d.next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE callback_deliveries t SET lease_holder = $3, lease_until = clock_timestamp() + $4 * interval '1 millisecond'
    FROM due WHERE t.id = due.id RETURNING t.*
  )
  SELECT ${DUE} FROM leased d JOIN requests r ON r.id = d.request_id ORDER BY d.next_attempt_at`;

/** All SQL of deliveries and their attempts. */
@Injectable()
export class DeliveryStore {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * Leases up to so many streams that nobody holds.
   * @param after Where the last look ended; streams behind it come first.
   * @param busy Destinations that have their fill.
   */
  async leaseStreams(
    after: Pick<StreamHead, 'lane' | 'destination'>,
    busy: string[],
    limit: number,
    leaseMs: number,
  ): Promise<StreamHead[]> {
    const look = (lane: string, destination: string) =>
      this.database.query<{ id: string }>({ name: 'stream_heads', text: HEADS }, [lane, destination, busy, limit]);
    let heads = await look(after.lane, after.destination);
    if (heads.length === 0 && after.lane !== '') heads = await look('', '');
    if (heads.length === 0) return [];
    const ids = heads.map(({ id }) => id);
    return this.database.query<StreamHead>({ name: 'stream_lease', text: LEASE_HEADS }, [ids, HOLDER, leaseMs]);
  }

  /** The stream's deliveries that were not attempted yet, from a position on, in order. */
  async readStream(head: StreamHead, fromPosition: number, limit: number): Promise<DueDelivery[]> {
    const text = `SELECT ${DUE} FROM callback_deliveries d JOIN requests r ON r.id = d.request_id
      WHERE d.lane = $1 AND d.destination = $2 AND d.queue_position >= $3 AND ${IS_FIRST}
      ORDER BY d.queue_position LIMIT $4`;
    return this.database.query<DueDelivery>({ name: 'stream_read', text }, [
      head.lane,
      head.destination,
      fromPosition,
      limit,
    ]);
  }

  /** Leases deliveries whose next attempt is due. */
  async leaseRetries(busy: string[], limit: number, leaseMs: number): Promise<DueDelivery[]> {
    return this.database.query<DueDelivery>({ name: 'retry_lease', text: LEASE_RETRIES }, [
      busy,
      limit,
      HOLDER,
      leaseMs,
    ]);
  }

  /**
   * Records attempts: one log row each, and what follows for the delivery. In the same transaction the leases of their
   * streams pass to the deliveries that are next and not attempted yet.
   */
  async record(records: AttemptRecord[], next: string[], leaseMs: number): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.getRepository(CallbackLogEntity).insert(records.map(({ log }) => log));
      await this.move(manager, records);
      if (next.length > 0) await this.hold(manager, next, leaseMs);
    });
  }

  /** The attempt's number guards the write: whoever records an attempt first decides what follows from it. */
  private async move(manager: EntityManager, records: AttemptRecord[]): Promise<void> {
    await manager.query(
      `UPDATE callback_deliveries d SET status = t.status, attempts = t.attempts,
         next_attempt_at = coalesce(t.next_attempt_at, d.next_attempt_at), lease_holder = NULL, lease_until = NULL,
         finished_at = CASE WHEN t.status <> 'PENDING' THEN now() END
       FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::timestamptz[]) AS t (id, status, attempts, next_attempt_at)
       WHERE d.id = t.id AND d.status = 'PENDING' AND d.attempts = t.attempts - 1`,
      [
        records.map(({ deliveryId }) => deliveryId),
        records.map(({ status }) => status),
        records.map(({ log }) => log.attemptNumber),
        records.map((record) => record.nextAttemptAt),
      ],
    );
  }

  private async hold(manager: EntityManager, ids: string[], leaseMs: number): Promise<void> {
    await manager.query(
      `UPDATE callback_deliveries d
       SET lease_holder = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE d.id = ANY ($1::uuid[]) AND ${IS_FIRST} AND (${IS_FREE} OR d.lease_holder = $2)`,
      [ids, HOLDER, leaseMs],
    );
  }

  /** Renews leases; gives the ids that are still ours. */
  async renew(ids: string[], leaseMs: number): Promise<Set<string>> {
    const text = `UPDATE callback_deliveries SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      WHERE id = ANY ($1::uuid[]) AND lease_holder = $2 RETURNING id`;
    const rows = await this.database.query<{ id: string }>({ name: 'delivery_renew', text }, [ids, HOLDER, leaseMs]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Gives a delivery back unsent. */
  async release(ids: string[]): Promise<void> {
    const text = `UPDATE callback_deliveries SET lease_holder = NULL, lease_until = NULL
      WHERE id = ANY ($1::uuid[]) AND lease_holder = $2`;
    await this.database.query({ name: 'delivery_release', text }, [ids, HOLDER]);
  }

  /** Everybody on this host who holds a lease. */
  async holdersOnThisHost(): Promise<string[]> {
    const text = `SELECT DISTINCT lease_holder AS holder FROM callback_deliveries
      WHERE lease_holder IS NOT NULL AND starts_with(lease_holder, $1) AND lease_until > clock_timestamp()`;
    const rows = await this.database.query<{ holder: string }>({ name: 'delivery_holders', text }, [HOST_PREFIX]);
    return rows.map(({ holder }) => holder);
  }

  /** Ends the leases of holders that are dead. */
  async expire(holders: string[]): Promise<void> {
    const text = `UPDATE callback_deliveries SET lease_until = NULL WHERE lease_holder = ANY ($1::text[])`;
    await this.database.query({ name: 'delivery_expire', text }, [holders]);
  }

  /** How long until the next retry is due, in milliseconds (0 or less: it is due); null when none is waiting. */
  async nextRetryInMs(): Promise<number | null> {
    const text = `SELECT (1000 * extract(epoch FROM min(d.next_attempt_at) - clock_timestamp()))::float8 AS due
      FROM callback_deliveries d WHERE d.status = 'PENDING' AND d.attempts > 0 AND ${IS_FREE}`;
    const [row] = await this.database.query<{ due: number | null }>({ name: 'retry_next', text });
    return row?.due ?? null;
  }
}

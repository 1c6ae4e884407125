import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config.js';
import { Database, type Statement } from '../database.js';
import { HOLDER, HOST_PREFIX } from '../holder.js';
import { CallbackLogEntity } from './callback-log.entity.js';
import { type DeliverySelection, selectionConditions } from './delivery-selection.js';

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
  /** Those of them that an earlier schedule made. */
  scheduleStart: number;
  /** The job that wanted it sent again; null when it was somebody, or nobody. */
  redeliveryId: string | null;
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

export interface DeliveryFilter extends DeliverySelection {
  /** Only deliveries older than this one. */
  beforeId?: string;
  limit: number;
}

export interface DeliveryRow {
  id: string;
  request_id: string;
  url: string;
  destination: string;
  lane: string;
  queue_position: number;
  status: 'PENDING' | 'SUCCESS' | 'FAILED';
  attempts: number;
  next_attempt_at: Date;
  created_at: Date;
  finished_at: Date | null;
}

/** How an attempt ended and what follows from it. */
export interface AttemptRecord {
  deliveryId: string;
  status: 'PENDING' | 'SUCCESS' | 'FAILED';
  nextAttemptAt: Date | null;
  log: Omit<CallbackLogEntity, 'id' | 'request'>;
}

/** Which deliveries of a stream stand in its line, by the order that is kept. */
const IN_LINE = {
  /** First attempts go one after the other; a retry holds up nobody. */
  ordered: `d.status = 'PENDING' AND d.attempts = 0`,
  /** Nothing goes before what stands before it is delivered or dead. */
  strict: `d.status = 'PENDING'`,
  /** There is no line. */
  unordered: 'false',
} as const;

const IS_FREE = `(d.lease_until IS NULL OR d.lease_until < clock_timestamp())`;
const IS_DUE = `d.next_attempt_at <= clock_timestamp() AND ${IS_FREE}`;

const DUE = `d.id, d.request_id AS "requestId", d.url, d.destination, d.lane, d.queue_position AS "queuePosition",
  d.attempts, d.schedule_start AS "scheduleStart", d.redelivery_id AS "redeliveryId", r.status AS "requestStatus", r.queue_position AS "requestPosition", r.result_payload AS result, r.error,
  r.completed_at AS "completedAt"`;

/**
 * The heads of streams, by a loose index scan: one probe a stream, however long the backlog of each is. It begins after
 * the stream taken last and goes round, so that every stream has its turn.
 */
const headsText = (inLine: string): string => `
  WITH RECURSIVE heads AS (
    (SELECT d.id, d.lane, d.destination, d.lease_until, d.next_attempt_at FROM callback_deliveries d
      WHERE ${inLine} AND (d.lane, d.destination) > ($1, $2)
      ORDER BY d.lane, d.destination, d.queue_position LIMIT 1)
    UNION ALL
    SELECT next.* FROM heads h CROSS JOIN LATERAL (
      SELECT d.id, d.lane, d.destination, d.lease_until, d.next_attempt_at FROM callback_deliveries d
      WHERE ${inLine} AND (d.lane, d.destination) > (h.lane, h.destination)
      ORDER BY d.lane, d.destination, d.queue_position LIMIT 1) next
  )
  SELECT d.id FROM heads d WHERE ${IS_DUE} AND d.destination <> ALL ($3::text[]) LIMIT $4`;

/**
 * Leases heads. The lease of its head is the lease of the stream: what stands behind it is nobody's to send, and when
 * the head is done the lease moves on in the same transaction. A head that somebody else took or finished since it was
 * read fails the condition when its row is locked.
 */
const leaseHeadsText = (inLine: string): string => `
  UPDATE callback_deliveries t SET lease_holder = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
  FROM (SELECT d.id FROM callback_deliveries d WHERE d.id = ANY ($1::uuid[]) AND ${inLine} AND ${IS_DUE}
        ORDER BY d.id FOR UPDATE SKIP LOCKED) free
  WHERE t.id = free.id
  RETURNING t.id, t.lane, t.destination, t.queue_position AS "queuePosition"`;

const readStreamText = (inLine: string): string => `SELECT ${DUE}
  FROM callback_deliveries d JOIN requests r ON r.id = d.request_id
  WHERE d.lane = $1 AND d.destination = $2 AND d.queue_position >= $3 AND ${inLine}
  ORDER BY d.queue_position LIMIT $4`;

const leaseSinglesText = (which: string): string => `
  WITH due AS (
    SELECT d.id FROM callback_deliveries d
    WHERE d.status = 'PENDING' AND ${which} AND ${IS_DUE} AND d.destination <> ALL ($1::text[])
    ORDER BY d.next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE callback_deliveries t SET lease_holder = $3, lease_until = clock_timestamp() + $4 * interval '1 millisecond'
    FROM due WHERE t.id = due.id RETURNING t.*
  )
  SELECT ${DUE} FROM leased d JOIN requests r ON r.id = d.request_id ORDER BY d.next_attempt_at`;

const LEASE_FIRSTS = { name: 'first_lease', text: leaseSinglesText('d.attempts = 0') };
const LEASE_RETRIES = { name: 'retry_lease', text: leaseSinglesText('d.attempts > 0') };

/** What is sent on its own, outside any line. */
const SINGLES = { ordered: [LEASE_RETRIES], strict: [], unordered: [LEASE_FIRSTS, LEASE_RETRIES] };

/** All SQL of deliveries and their attempts. */
@Injectable()
export class DeliveryStore {
  private readonly inLine: string;
  private readonly singles: Statement[];

  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
    @Inject(CONFIG) { CALLBACK_ORDER }: Pick<Config, 'CALLBACK_ORDER'>,
  ) {
    this.inLine = IN_LINE[CALLBACK_ORDER];
    this.singles = SINGLES[CALLBACK_ORDER];
  }

  /**
   * Leases up to so many streams that nobody holds and whose head is due.
   * @param after Where the last look ended; streams behind it come first.
   * @param busy Destinations that have their fill.
   */
  async leaseStreams(
    after: Pick<StreamHead, 'lane' | 'destination'>,
    busy: string[],
    limit: number,
    leaseMs: number,
  ): Promise<StreamHead[]> {
    if (this.inLine === IN_LINE.unordered) return [];
    const text = headsText(this.inLine);
    const look = (lane: string, destination: string) =>
      this.database.query<{ id: string }>({ name: 'stream_heads', text }, [lane, destination, busy, limit]);
    let heads = await look(after.lane, after.destination);
    if (heads.length === 0 && after.lane !== '') heads = await look('', '');
    if (heads.length === 0) return [];
    const lease = { name: 'stream_lease', text: leaseHeadsText(this.inLine) };
    return this.database.query<StreamHead>(lease, [heads.map(({ id }) => id), HOLDER, leaseMs]);
  }

  /** What stands in a stream's line from a position on, in order. */
  async readStream(head: StreamHead, fromPosition: number, limit: number): Promise<DueDelivery[]> {
    const { lane, destination } = head;
    const read = { name: 'stream_read', text: readStreamText(this.inLine) };
    return this.database.query<DueDelivery>(read, [lane, destination, fromPosition, limit]);
  }

  /** Leases deliveries that are due and stand in no line: retries, and all when no order is kept. */
  async leaseSingles(busy: string[], limit: number, leaseMs: number): Promise<DueDelivery[]> {
    const leased = this.singles.map((lease) => this.database.query<DueDelivery>(lease, [busy, limit, HOLDER, leaseMs]));
    return (await Promise.all(leased)).flat();
  }

  /**
   * Owes a delivery anew, with its whole schedule before it. One that is on its way, or has not begun, is left as it is.
   * @returns False when the request owes no callback.
   */
  async redeliver(requestId: string): Promise<boolean> {
    const text = `WITH owed AS (SELECT id FROM callback_deliveries WHERE request_id = $1), again AS (
        UPDATE callback_deliveries d SET status = 'PENDING', schedule_start = d.attempts, next_attempt_at = now(),
          finished_at = NULL, redelivery_id = NULL
        FROM owed WHERE d.id = owed.id AND d.attempts > 0 AND ${IS_FREE}
      )
      SELECT id FROM owed`;
    return (await this.database.query({ name: 'delivery_again', text }, [requestId])).length > 0;
  }

  /** Newest first. */
  async list(filter: DeliveryFilter): Promise<DeliveryRow[]> {
    const values: unknown[] = [];
    const conditions = selectionConditions(filter, values);
    if (filter.beforeId) conditions.push(`d.id < $${values.push(filter.beforeId)}`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const text = `SELECT d.id, d.request_id, d.url, d.destination, d.lane, d.queue_position, d.status, d.attempts,
        d.next_attempt_at, d.created_at, d.finished_at
      FROM callback_deliveries d ${where} ORDER BY d.id DESC LIMIT $${values.push(filter.limit)}`;
    return this.database.query<DeliveryRow>({ name: '', text }, values);
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

  /**
   * The attempt's number guards the write: whoever records an attempt first decides what follows from it. Rows are locked
   * by id, as in {@link renew}: in any other order the two could wait for each other.
   */
  private async move(manager: EntityManager, records: AttemptRecord[]): Promise<void> {
    await manager.query(
      `UPDATE callback_deliveries d SET status = t.status, attempts = t.attempts,
         next_attempt_at = coalesce(t.next_attempt_at, d.next_attempt_at), lease_holder = NULL, lease_until = NULL,
         finished_at = CASE WHEN t.status <> 'PENDING' THEN now() END
       FROM (SELECT t.* FROM callback_deliveries l
         JOIN unnest($1::uuid[], $2::text[], $3::integer[], $4::timestamptz[]) AS t (id, status, attempts, next_attempt_at)
           ON l.id = t.id
         ORDER BY l.id FOR UPDATE OF l) t
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
       WHERE d.id = ANY ($1::uuid[]) AND ${this.inLine} AND (${IS_FREE} OR d.lease_holder = $2)`,
      [ids, HOLDER, leaseMs],
    );
  }

  /** Renews leases; gives the ids that are still ours. */
  async renew(ids: string[], leaseMs: number): Promise<Set<string>> {
    const text = `WITH held AS (
        SELECT id FROM callback_deliveries WHERE id = ANY ($1::uuid[]) AND lease_holder = $2 ORDER BY id FOR UPDATE
      )
      UPDATE callback_deliveries d SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      FROM held WHERE d.id = held.id RETURNING d.id`;
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

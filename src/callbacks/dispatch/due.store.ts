import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database, type Statement } from '../../platform/database/database.js';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import type { Breaker, BreakerName } from '../destinations/breaker.js';

/** A delivery that is due, with what its body is made of. */
export interface DueDelivery {
  id: string;
  requestId: string;
  url: string;
  destination: string;
  lane: string;
  queuePosition: number;
  /** Attempts whose end is on record. */
  attempts: number;
  /** Attempts that were begun, and whose end nobody knows. */
  unknown: number;
  /** Of the attempts, those that an earlier schedule made. */
  scheduleStart: number;
  /** The job that wanted it sent again; null when it was somebody, or nobody. */
  redeliveryId: string | null;
  /** Its URL answered 410 Gone, and nobody has enabled it since. */
  isDisabled: boolean;
  requestStatus: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  requestPosition: number | null;
  /** JSON. */
  result: string | null;
  error: string | null;
  completedAt: Date;
}

/** The number of a delivery's next attempt: all that were begun have one, whatever became of them. */
export function nextNumber({ attempts, unknown }: Pick<DueDelivery, 'attempts' | 'unknown'>): number {
  return attempts + unknown + 1;
}

/** Deliveries of one lane to one destination, and the lease under which this process sends them. */
export interface Stream {
  id: number;
  lane: string;
  destination: string;
  /** What counts as started since it was taken. */
  head: StartedAttempt;
}

/** An attempt that may be on its way. */
export interface StartedAttempt {
  id: string;
  number: number;
}

/** A destination to which something is owed. */
export interface DueDestination {
  destination: string;
  /** Something stands in a line that nobody holds. */
  hasLine: boolean;
  /** When the next retry is due, in milliseconds from now; null when none waits. */
  retryInMs: number | null;
  breaker: Breaker;
  /** Until the breaker admits a probe, in milliseconds from now; 0 or less when it admits. */
  opensInMs: number;
}

/** Which deliveries stand in line, by the order that is kept; each condition is that of an index. */
const FIRSTS = `d.status = 'PENDING' AND d.attempts = 0`;
const AGAIN = `d.status = 'PENDING' AND d.attempts > 0`;
const IN_LINE = {
  /** First attempts go one after the other; a retry holds up nobody. */
  ordered: [FIRSTS],
  /** Nothing goes before what stands before it is delivered or dead. */
  strict: [FIRSTS, AGAIN],
  /** As ordered, but what stands in line goes side by side. */
  unordered: [FIRSTS],
} as const;

const DUE = `d.id, d.request_id AS "requestId", d.url, d.destination, d.lane, d.queue_position AS "queuePosition", d.attempts,
  d.unknown, d.schedule_start AS "scheduleStart", d.redelivery_id AS "redeliveryId", u.id IS NOT NULL AS "isDisabled", r.status AS "requestStatus",
  r.queue_position AS "requestPosition", r.result_payload::text AS result, r.error, r.completed_at AS "completedAt"`;

const WITH_REQUEST = `JOIN requests r ON r.id = d.request_id LEFT JOIN callback_disabled_urls u ON u.url = d.url`;

/** The same question to each index that it concerns. */
const either = (inLine: readonly string[], ask: (condition: string) => string): string =>
  inLine.map((condition) => `(${ask(condition)})`).join(' UNION ALL ');

/**
 * Every destination that is owed something, by a loose index scan: a probe for each and for each of its lines that is held,
 * however much it is owed. A destination all of whose lines are held is not looked at again while they are being sent.
 */
const destinationsText = (inLine: readonly string[]): string => {
  const firstLine = (behind: string): string =>
    `SELECT one.* FROM (${either(
      inLine,
      (condition) => `SELECT d.destination, d.lane FROM callback_deliveries d WHERE ${condition} ${behind}
      ORDER BY d.destination, d.lane LIMIT 1`,
    )}) one ORDER BY one.destination, one.lane LIMIT 1`;
  const isHeld = `EXISTS (SELECT FROM callback_queues s WHERE s.destination = l.destination AND s.lane = l.lane)`;
  const nextRetry = (before: string): string => `SELECT d.destination, d.next_attempt_at FROM callback_deliveries d
    WHERE ${AGAIN} AND d.leased_by IS NULL ${before} ORDER BY d.destination, d.next_attempt_at LIMIT 1`;
  return `
  WITH RECURSIVE firsts AS (
    (${firstLine('')})
    UNION ALL
    SELECT next.* FROM firsts l CROSS JOIN LATERAL (${firstLine('AND d.destination > l.destination')}) next
  ), lines AS (
    SELECT * FROM firsts
    UNION ALL
    SELECT next.* FROM lines l
    CROSS JOIN LATERAL (${firstLine('AND d.destination = l.destination AND d.lane > l.lane')}) next WHERE ${isHeld}
  ), retries AS (
    (${nextRetry('')})
    UNION ALL
    SELECT next.* FROM retries l CROSS JOIN LATERAL (${nextRetry('AND d.destination > l.destination')}) next
  ), due AS (
    SELECT l.destination, NOT ${isHeld} AS line, NULL::timestamptz AS next FROM lines l
    UNION ALL SELECT destination, false, next_attempt_at FROM retries
  ), owed AS (
    SELECT destination, bool_or(line) AS line, min(next) AS next FROM due GROUP BY destination
  )
  SELECT o.destination, o.line AS "hasLine",
    (1000 * extract(epoch FROM o.next - clock_timestamp()))::float8 AS "retryInMs",
    coalesce(c.state, 'closed') AS state, coalesce(c.failures, 0) AS failures, coalesce(c.openings, 0) AS openings,
    c.opened_at AS "openedAt", c.open_until AS "openUntil",
    coalesce(1000 * extract(epoch FROM c.open_until - clock_timestamp()), 0)::float8 AS "opensInMs"
  FROM owed o LEFT JOIN callback_destinations c ON c.destination = o.destination
  ORDER BY o.destination`;
};

/**
 * Takes streams of a destination that nobody holds and whose head is due, beginning behind the lane taken last. The head
 * is the first that is started. What is read afterwards is read by a statement of its own: one that began before a
 * former holder committed would still see what that holder has sent.
 */
const takeText = (inLine: readonly string[]): string => {
  const firstAfter = (lane: string): string =>
    `SELECT one.* FROM (${either(
      inLine,
      (condition) => `SELECT d.lane, d.queue_position, d.id, d.attempts + d.unknown + 1 AS number, d.next_attempt_at
      FROM callback_deliveries d WHERE ${condition} AND d.destination = $1 AND d.lane > ${lane}
      ORDER BY d.lane, d.queue_position LIMIT 1`,
    )}) one ORDER BY one.lane, one.queue_position LIMIT 1`;
  return `
  WITH RECURSIVE heads AS (
    (${firstAfter('$2')})
    UNION ALL
    SELECT next.* FROM heads h CROSS JOIN LATERAL (${firstAfter('h.lane')}) next
  )
  INSERT INTO callback_queues (destination, lane, leased_by, lease_until, started, started_numbers)
  SELECT $1, h.lane, $4, clock_timestamp() + $5 * interval '1 millisecond', ARRAY[h.id], ARRAY[h.number]
  FROM heads h
  WHERE h.next_attempt_at <= clock_timestamp()
    AND NOT EXISTS (SELECT FROM callback_queues s WHERE s.destination = $1 AND s.lane = h.lane)
  LIMIT $3
  ON CONFLICT (destination, lane) DO NOTHING
  RETURNING id, destination, lane, json_build_object('id', started[1], 'number', started_numbers[1]) AS head`;
};

const readText = (inLine: readonly string[]): string => `
  SELECT ${DUE} FROM unnest($2::text[]) AS taken (lane) CROSS JOIN LATERAL (
    SELECT line.* FROM (${either(
      inLine,
      (condition) => `SELECT d.* FROM callback_deliveries d
        WHERE ${condition} AND d.destination = $1 AND d.lane = taken.lane AND d.queue_position >= $3
        ORDER BY d.queue_position LIMIT $4`,
    )}) line ORDER BY line.queue_position LIMIT $4
  ) d ${WITH_REQUEST} ORDER BY d.lane, d.queue_position`;

const LEASE_RETRIES = `
  WITH due AS (
    SELECT d.id FROM callback_deliveries d
    WHERE d.destination = $1 AND ${AGAIN} AND d.next_attempt_at <= clock_timestamp() AND d.leased_by IS NULL
    ORDER BY d.next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE callback_deliveries t SET leased_by = $3, lease_until = clock_timestamp() + $4 * interval '1 millisecond'
    FROM due WHERE t.id = due.id RETURNING t.*
  )
  SELECT ${DUE} FROM leased d ${WITH_REQUEST} ORDER BY d.next_attempt_at`;

/** All SQL of what is due and of who sends it. */
@Injectable()
export class DueStore {
  private readonly destinationsStatement: Statement;
  private readonly takeStatement: Statement;
  private readonly readStatement: Statement;
  private readonly hasRetries: boolean;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) { CALLBACK_ORDER }: Pick<Config, 'CALLBACK_ORDER'>,
  ) {
    const inLine = IN_LINE[CALLBACK_ORDER];
    this.destinationsStatement = { name: 'due_destinations', text: destinationsText(inLine) };
    this.takeStatement = { name: 'queue_lease', text: takeText(inLine) };
    this.readStatement = { name: 'queue_read', text: readText(inLine) };
    // In strict order a retry stands in its line.
    this.hasRetries = CALLBACK_ORDER !== 'strict';
  }

  /** Every destination that is owed something, by name. */
  async destinations(): Promise<DueDestination[]> {
    type Row = Omit<DueDestination, 'breaker'> & Breaker & { state: BreakerName };
    const rows = await this.database.query<Row>(this.destinationsStatement);
    return rows.map(({ destination, hasLine, retryInMs, opensInMs, ...breaker }) => ({
      destination,
      hasLine,
      retryInMs,
      opensInMs,
      breaker,
    }));
  }

  /**
   * Takes streams of a destination; their heads count as started.
   * @param afterLane Where the last look ended; lanes behind it come first.
   */
  async takeStreams(destination: string, afterLane: string, limit: number, leaseMs: number): Promise<Stream[]> {
    const take = (after: string, wanted: number): Promise<Stream[]> =>
      this.database.query<Stream>(this.takeStatement, [destination, after, wanted, WORKER_ID, leaseMs]);
    const taken = await take(afterLane, limit);
    if (taken.length < limit && afterLane !== '') taken.push(...(await take('', limit - taken.length)));
    return taken;
  }

  /** What stands in the lines of streams that we hold, from a position on, in order; up to so many of each. */
  async readStreams(destination: string, lanes: string[], fromPosition: number, limit: number): Promise<DueDelivery[]> {
    return this.database.query<DueDelivery>(this.readStatement, [destination, lanes, fromPosition, limit]);
  }

  /**
   * Puts on record which attempts of a stream may be on their way from now on, and renews its lease.
   * @param started All of them: what is left out was recorded, or is not sent.
   * @returns False when the stream is not ours any more; then nothing may be sent.
   */
  async start(stream: Stream, started: StartedAttempt[], leaseMs: number): Promise<boolean> {
    const text = `UPDATE callback_queues SET started = $2::uuid[], started_numbers = $3::integer[],
        started_at = clock_timestamp(), lease_until = clock_timestamp() + $4 * interval '1 millisecond'
      WHERE id = $1 RETURNING id`;
    const ids = started.map(({ id }) => id);
    const numbers = started.map(({ number }) => number);
    return (await this.database.query({ name: 'queue_start', text }, [stream.id, ids, numbers, leaseMs])).length > 0;
  }

  /** Gives streams back. What was started and is not recorded was not sent. */
  async releaseStreams(ids: number[]): Promise<void> {
    const text = 'DELETE FROM callback_queues WHERE id = ANY ($1::bigint[])';
    await this.database.query({ name: 'queue_release', text }, [ids]);
  }

  /** Renews the leases of streams; gives those that are still ours. */
  async renewStreams(ids: number[], leaseMs: number): Promise<Set<number>> {
    const text = `WITH held AS (SELECT id FROM callback_queues WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE)
      UPDATE callback_queues s SET lease_until = clock_timestamp() + $2 * interval '1 millisecond'
      FROM held WHERE s.id = held.id RETURNING s.id`;
    const rows = await this.database.query<{ id: number }>({ name: 'queue_renew', text }, [ids, leaseMs]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Leases retries of a destination that are due. They count as started. */
  async leaseRetries(destination: string, limit: number, leaseMs: number): Promise<DueDelivery[]> {
    if (!this.hasRetries) return [];
    const lease = { name: 'retry_lease', text: LEASE_RETRIES };
    return this.database.query<DueDelivery>(lease, [destination, limit, WORKER_ID, leaseMs]);
  }

  /** Gives retries back that were not sent. */
  async releaseRetries(ids: string[]): Promise<void> {
    const text = `WITH held AS (
        SELECT id FROM callback_deliveries WHERE id = ANY ($1::uuid[]) AND leased_by = $2 ORDER BY id FOR UPDATE
      )
      UPDATE callback_deliveries d SET leased_by = NULL, lease_until = NULL FROM held WHERE d.id = held.id`;
    await this.database.query({ name: 'retry_release', text }, [ids, WORKER_ID]);
  }

  /** Renews the leases of retries; gives the ids that are still ours. */
  async renewRetries(ids: string[], leaseMs: number): Promise<Set<string>> {
    const text = `WITH held AS (
        SELECT id FROM callback_deliveries WHERE id = ANY ($1::uuid[]) AND leased_by = $2 ORDER BY id FOR UPDATE
      )
      UPDATE callback_deliveries d SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      FROM held WHERE d.id = held.id RETURNING d.id`;
    const rows = await this.database.query<{ id: string }>({ name: 'retry_renew', text }, [ids, WORKER_ID, leaseMs]);
    return new Set(rows.map(({ id }) => id));
  }
}

import { Inject, Injectable } from '@nestjs/common';
import { FinishedRequests } from '../../requests/finished-requests.js';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { notPaused } from '../../queue/pauses/not-paused.store.js';
import type { Target } from '../destinations/target.js';
import { DISABLED, DUE_COLUMNS, type DueDelivery, type DueRow, withRequests } from './due-delivery.js';

/** An attempt that may be on its way. */
export interface StartedAttempt {
  id: string;
  number: number;
}

/** A delivery queue (one lane, one destination) and the lease under which this process sends it. */
export interface QueueLease {
  id: number;
  lane: string;
  /** The first delivery of the queue. Its attempt is recorded as started with the lease. */
  head: StartedAttempt;
}

/*
 * LEASE leases queues that no worker has leased and whose head is due, starting after a lane. READ is a statement of its own:
 * one that began before the former worker committed would still see the deliveries that this worker has sent.
 * `ordered` and `unordered` queues consist of first attempts, `strict` queues of all pending deliveries. Each condition on
 * `status` and `attempts` is that of a partial index.
 */

/** The head of the first queue after a lane, among deliveries before or after their first attempt. */
const headAfter = <const Lane extends string, const Attempts extends string>(lane: Lane, attempts: Attempts) =>
  `SELECT d.lane, d.queue_position, d.id, d.attempts + d.unknown + 1 AS number, d.next_attempt_at
    FROM callback_deliveries d
    WHERE d.status = 'PENDING' AND d.attempts ${attempts} AND d.account_id = :accountId AND d.destination = :destination
      AND d.lane > ${lane}
    ORDER BY d.lane, d.queue_position LIMIT 1` as const;

const headOfBothAfter = <const Lane extends string>(lane: Lane) =>
  `SELECT either.* FROM ((${headAfter(lane, '= 0')}) UNION ALL (${headAfter(lane, '> 0')})) either
    ORDER BY either.lane, either.queue_position LIMIT 1` as const;

/** @param first The first head. @param next The head after that of `h`. */
const lease = <const First extends string, const Next extends string>(name: string, first: First, next: Next) =>
  statement(
    name,
    `
  WITH RECURSIVE heads AS (
    (${first}) UNION ALL SELECT next.* FROM heads h CROSS JOIN LATERAL (${next}) next
  )
  INSERT INTO callback_queues (destination, lane, leased_by, lease_until, started, started_numbers)
  SELECT :destination, h.lane, :workerId, clock_timestamp() + :leaseMs * interval '1 millisecond',
    ARRAY[h.id], ARRAY[h.number]
  FROM heads h
  WHERE h.next_attempt_at <= clock_timestamp()
    AND NOT EXISTS (SELECT FROM callback_queues q WHERE q.destination = :destination AND q.lane = h.lane)
    AND ${notPaused('callbacks')}
  LIMIT :limit
  ON CONFLICT (destination, lane) DO NOTHING
  RETURNING id, lane, json_build_object('id', started[1], 'number', started_numbers[1]) AS head`,
  );

const LEASE = lease('queue_lease', headAfter(':afterLane', '= 0'), headAfter('h.lane', '= 0'));

const LEASE_STRICT = lease('queue_lease_strict', headOfBothAfter(':afterLane'), headOfBothAfter('h.lane'));

/** The deliveries of the lane `leased`, before or after their first attempt. */
const deliveries = <const Attempts extends string>(attempts: Attempts) =>
  `SELECT d.* FROM callback_deliveries d
    WHERE d.status = 'PENDING' AND d.attempts ${attempts} AND d.account_id = :accountId AND d.destination = :destination
      AND d.lane = leased.lane AND d.queue_position >= :fromPosition
    ORDER BY d.queue_position LIMIT :limit` as const;

/** @param rows The deliveries of the lane `leased`. */
const read = <const Rows extends string>(name: string, rows: Rows) =>
  statement(
    name,
    `
  SELECT ${DUE_COLUMNS} FROM unnest(:lanes::text[]) AS leased (lane) CROSS JOIN LATERAL (${rows}) d ${DISABLED}
  ORDER BY d.lane, d.queue_position`,
  );

const READ = read('queue_read', deliveries('= 0'));

const READ_STRICT = read(
  'queue_read_strict',
  `SELECT either.* FROM ((${deliveries('= 0')}) UNION ALL (${deliveries('> 0')})) either
    ORDER BY either.queue_position LIMIT :limit`,
);

const START = statement(
  'queue_start',
  `
  UPDATE callback_queues SET started = :ids::uuid[], started_numbers = :numbers::integer[],
    started_at = clock_timestamp(), lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond'
  WHERE id = :id RETURNING id`,
);

const RELEASE = statement('queue_release', 'DELETE FROM callback_queues WHERE id = ANY (:ids::bigint[])');

const RENEW = statement(
  'queue_renew',
  `
  WITH leased AS (SELECT id FROM callback_queues WHERE id = ANY (:ids::bigint[]) ORDER BY id FOR UPDATE)
  UPDATE callback_queues q SET lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond'
  FROM leased WHERE q.id = leased.id RETURNING q.id`,
);

/**
 * Leases of delivery queues. The row of a leased queue lists the attempts that may be on their way, so that a crash leaves
 * none unrecorded; docs/state-machines.md shows the states. Hand-written: the order and the rate of callbacks depend on it.
 */
@Injectable()
export class QueueLeasesStore {
  private readonly isStrict: boolean;

  constructor(
    private readonly database: Database,
    private readonly requests: FinishedRequests,
    @Inject(CONFIG) { CALLBACK_ORDER }: Pick<Config, 'CALLBACK_ORDER'>,
  ) {
    this.isStrict = CALLBACK_ORDER === 'strict';
  }

  /**
   * Leases up to `limit` queues of a destination of an account; none while callbacks are paused. Their heads are recorded as
   * started.
   * @param afterLane The lane leased last; lanes after it come first.
   */
  async lease(target: Target, afterLane: string, limit: number, leaseMs: number): Promise<QueueLease[]> {
    const leased = await this.leaseAfter(target, afterLane, limit, leaseMs);
    if (leased.length === limit || afterLane === '') return leased;
    return [...leased, ...(await this.leaseAfter(target, '', limit - leased.length, leaseMs))];
  }

  /** @returns The deliveries of leased queues in order, from a position on, at most `limit` for each queue. */
  async read(target: Target, lanes: string[], fromPosition: number, limit: number): Promise<DueDelivery[]> {
    const { accountId, destination } = target;
    const values = { accountId, destination, lanes, fromPosition, limit };
    const rows: DueRow[] = await this.database.query(this.isStrict ? READ_STRICT : READ, values);
    return withRequests(rows, this.requests);
  }

  /**
   * Records which attempts of a queue may be on their way from now on, and renews its lease.
   * @param started All of them. An attempt that is left out was recorded or is not sent.
   * @returns False if the lease was lost; then nothing may be sent.
   */
  async start({ id }: QueueLease, started: StartedAttempt[], leaseMs: number): Promise<boolean> {
    const ids = started.map((attempt) => attempt.id);
    const numbers = started.map(({ number }) => number);
    return (await this.database.query(START, { id, ids, numbers, leaseMs })).length > 0;
  }

  /** Ends leases. Attempts that are started and not recorded count as not sent. */
  async release(ids: number[]): Promise<void> {
    await this.database.query(RELEASE, { ids });
  }

  /** Renews leases. @returns The ids of those that were not lost. */
  async renew(ids: number[], leaseMs: number): Promise<Set<number>> {
    const rows: { id: number }[] = await this.database.query(RENEW, { ids, leaseMs });
    return new Set(rows.map(({ id }) => id));
  }

  private leaseAfter(target: Target, afterLane: string, limit: number, leaseMs: number): Promise<QueueLease[]> {
    const { accountId, destination } = target;
    const values = { accountId, destination, afterLane, limit, leaseMs, workerId: WORKER_ID };
    return this.database.query(this.isStrict ? LEASE_STRICT : LEASE, values);
  }
}

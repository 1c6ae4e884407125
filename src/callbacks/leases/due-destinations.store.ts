import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import type { Breaker, BreakerName } from '../destinations/breaker.js';
import { notPaused } from '../../queue/pauses/not-paused.store.js';
import type { Target } from '../destinations/target.js';

/** A destination of an account with due or scheduled deliveries. */
export interface DueDestination extends Target {
  /** It has a delivery queue that no worker has leased. */
  hasQueue: boolean;
  /** Time until the next retry is due, in milliseconds; null if none is scheduled. */
  retryInMs: number | null;
  breaker: Breaker;
  /** Time until the breaker admits a probe, in milliseconds; 0 or less when it does. */
  opensInMs: number;
}

/*
 * Loose index scans: one index probe for each destination of an account and for each of its leased queues, however many deliveries are due.
 * Each condition on `status` and `attempts` is that of a partial index. A destination whose queues are all leased counts as
 * having none, so that it is not claimed again and again while they are being sent.
 */

/** The first queue of deliveries before or after their first attempt, in the order of the index, beyond a place in it. */
const firstByAttempts = (attempts: '= 0' | '> 0', beyond: string) => `
  SELECT d.account_id, d.destination, d.lane FROM callback_deliveries d
  WHERE d.status = 'PENDING' AND d.attempts ${attempts} ${beyond}
  ORDER BY d.account_id, d.destination, d.lane LIMIT 1`;

const firstOfBoth = (beyond: string) => `
  SELECT either.* FROM ((${firstByAttempts('= 0', beyond)}) UNION ALL (${firstByAttempts('> 0', beyond)})) either
  ORDER BY either.account_id, either.destination, either.lane LIMIT 1`;

/** @param first Returns the first queue beyond a place in the index. */
const dueDestinations = (first: (beyond: string) => string) => `
  WITH RECURSIVE first_queues AS (
    (${first('')})
    UNION ALL
    SELECT next.* FROM first_queues q CROSS JOIN LATERAL (
      ${first('AND (d.account_id, d.destination) > (q.account_id, q.destination)')}
    ) next
  ), queues AS (
    SELECT * FROM first_queues
    UNION ALL
    SELECT next.* FROM queues q CROSS JOIN LATERAL (
      ${first('AND d.account_id = q.account_id AND d.destination = q.destination AND d.lane > q.lane')}
    ) next
    WHERE EXISTS (SELECT FROM callback_queues leased WHERE leased.destination = q.destination AND leased.lane = q.lane)
  ), retries AS (
    (
      SELECT d.account_id, d.destination, d.next_attempt_at FROM callback_deliveries d
      WHERE d.status = 'PENDING' AND d.attempts > 0 AND d.leased_by IS NULL
      ORDER BY d.account_id, d.destination, d.next_attempt_at LIMIT 1
    )
    UNION ALL
    SELECT next.* FROM retries r CROSS JOIN LATERAL (
      SELECT d.account_id, d.destination, d.next_attempt_at FROM callback_deliveries d
      WHERE d.status = 'PENDING' AND d.attempts > 0 AND d.leased_by IS NULL AND (d.account_id, d.destination) > (r.account_id, r.destination)
      ORDER BY d.account_id, d.destination, d.next_attempt_at LIMIT 1
    ) next
  ), due AS (
    SELECT q.account_id, q.destination,
      NOT EXISTS (SELECT FROM callback_queues leased WHERE leased.destination = q.destination AND leased.lane = q.lane)
        AS has_queue,
      NULL::timestamptz AS retry_at
    FROM queues q
    UNION ALL SELECT account_id, destination, false, next_attempt_at FROM retries
  ), destinations AS (
    SELECT account_id, destination, bool_or(has_queue) AS has_queue, min(retry_at) AS retry_at
    FROM due GROUP BY account_id, destination
  )
  SELECT d.account_id AS "accountId", d.destination, d.has_queue AS "hasQueue",
    (1000 * extract(epoch FROM d.retry_at - clock_timestamp()))::float8 AS "retryInMs",
    coalesce(c.state, 'closed') AS state, coalesce(c.failures, 0) AS failures, coalesce(c.openings, 0) AS openings,
    c.opened_at AS "openedAt", c.open_until AS "openUntil",
    coalesce(1000 * extract(epoch FROM c.open_until - clock_timestamp()), 0)::float8 AS "opensInMs"
  FROM destinations d
  LEFT JOIN callback_destinations c ON c.account_id = d.account_id AND c.destination = d.destination
  WHERE ${notPaused('callbacks')}
  ORDER BY d.account_id, d.destination`;

/** Orders `ordered` and `unordered`: a delivery queue consists of first attempts, and retries are sent on their own. */
const DUE_DESTINATIONS = dueDestinations((beyond) => firstByAttempts('= 0', beyond));

/** Order `strict`: a delivery queue contains its retries too. A scheduled retry still says when to look again. */
const DUE_DESTINATIONS_STRICT = dueDestinations(firstOfBoth);

/**
 * Lists the destinations that have something to send. Hand-written: it runs at every claim, and a query builder has no
 * recursive loose index scan.
 */
@Injectable()
export class DueDestinationsStore {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Pick<Config, 'CALLBACK_ORDER'>,
  ) {}

  /** @returns Every destination with due or scheduled deliveries, by account and name; none while callbacks are paused. */
  async list(): Promise<DueDestination[]> {
    type Row = Omit<DueDestination, 'breaker'> & Breaker & { state: BreakerName };
    const rows = await this.database.query<Row>(
      this.config.CALLBACK_ORDER === 'strict'
        ? { name: 'due_destinations_strict', text: DUE_DESTINATIONS_STRICT }
        : { name: 'due_destinations', text: DUE_DESTINATIONS },
    );
    return rows.map(({ accountId, destination, hasQueue, retryInMs, opensInMs, ...breaker }) => ({
      accountId,
      destination,
      hasQueue,
      retryInMs,
      opensInMs,
      breaker,
    }));
  }
}

import { Injectable } from '@nestjs/common';
import { WORKER_HOST_PREFIX, WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { notPaused } from '../../queue/pauses/not-paused.store.js';
import type { ClaimedMail } from './claimed-mail.js';

/** A queue with pending messages. */
export interface QueueHead {
  queue: string;
  /** Until its first message is due; zero or less if it is due. */
  dueInMs: number;
}

/** A loose index scan: one probe of the index for each queue, however long the queues are. */
const HEADS = statement(
  'mail_heads',
  `WITH RECURSIVE heads AS (
      (SELECT queue, next_attempt_at, 1 AS place FROM mail_messages WHERE status = 'pending' AND queue >= :fromQueue
        ORDER BY queue, next_attempt_at LIMIT 1)
      UNION ALL
      SELECT next.* FROM heads h CROSS JOIN LATERAL (
        SELECT m.queue, m.next_attempt_at, h.place + 1 FROM mail_messages m WHERE m.status = 'pending' AND m.queue > h.queue
        ORDER BY m.queue, m.next_attempt_at LIMIT 1
      ) next WHERE h.place < :limit
    )
    SELECT queue, extract(epoch FROM next_attempt_at - clock_timestamp())::float8 * 1000 AS "dueInMs" FROM heads
    WHERE ${notPaused('mail')}`,
);

/** `now()` bounds the scan of the index, which a volatile function could not. */
const CLAIM = statement(
  'mail_claim',
  `WITH due AS (
      SELECT m.id FROM unnest(:queues::uuid[]) AS q (queue) CROSS JOIN LATERAL (
        SELECT id FROM mail_messages WHERE status = 'pending' AND queue = q.queue AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT :share FOR UPDATE SKIP LOCKED
      ) m WHERE ${notPaused('mail')}
    ), leased AS (
      UPDATE mail_messages m SET leased_by = :workerId,
        next_attempt_at = clock_timestamp() + :leaseMs * interval '1 millisecond'
      FROM due WHERE m.id = due.id RETURNING m.*
    )
    SELECT l.id, l.recipient, l.template, coalesce(l.data, f.data) AS data, l.attempts,
      l.attempts_before_retry AS "attemptsBeforeRetry", l.created_at AS "createdAt",
      l.template = 'event-changed' AND EXISTS (
        SELECT FROM mail_fan_outs c WHERE c.event_id = f.event_id AND c.template = 'event-cancelled'
      ) AS "isOutdated"
    FROM leased l LEFT JOIN mail_fan_outs f ON f.id = l.fan_out_id`,
);

const RENEW = statement(
  'mail_renew',
  `WITH leased AS (
      SELECT id FROM mail_messages WHERE id = ANY (:ids::uuid[]) AND leased_by = :workerId ORDER BY id FOR UPDATE
    )
    UPDATE mail_messages m SET next_attempt_at = clock_timestamp() + :leaseMs * interval '1 millisecond'
    FROM leased WHERE m.id = leased.id RETURNING m.id`,
);

const RELEASE = statement(
  'mail_release',
  `WITH leased AS (
      SELECT id FROM mail_messages WHERE id = ANY (:ids::uuid[]) AND leased_by = :workerId ORDER BY id FOR UPDATE
    )
    UPDATE mail_messages m SET leased_by = NULL, next_attempt_at = clock_timestamp() FROM leased WHERE m.id = leased.id`,
);

const WORKERS_ON_HOST = statement(
  'mail_workers',
  `SELECT DISTINCT leased_by AS "workerId" FROM mail_messages
    WHERE leased_by IS NOT NULL AND starts_with(leased_by, :hostPrefix)`,
);

const EXPIRE = statement(
  'mail_expire',
  `WITH leased AS (SELECT id FROM mail_messages WHERE leased_by = ANY (:workerIds::text[]) ORDER BY id FOR UPDATE)
    UPDATE mail_messages m SET leased_by = NULL, next_attempt_at = clock_timestamp() FROM leased WHERE m.id = leased.id`,
);

const KEEP = statement(
  'mail_keep',
  `WITH due AS (
      SELECT id FROM mail_messages WHERE status = 'pending' AND next_attempt_at <= now() AND ${notPaused('mail')}
      LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE mail_messages m SET status = 'kept', next_attempt_at = NULL, leased_by = NULL, finished_at = clock_timestamp()
    FROM due WHERE m.id = due.id RETURNING m.id`,
);

/**
 * Leases of messages, by the clock of the database. A leased message is due again when its lease ends, so a crash needs no
 * repair. Hand-written: SKIP LOCKED lets workers claim side by side, and the rate of mail depends on it.
 */
@Injectable()
export class MailLeasesStore {
  constructor(private readonly database: Database) {}

  /** @returns Up to `limit` queues with pending messages, in order, beginning with `fromQueue`; none while mail is paused. */
  heads(fromQueue: string, limit: number): Promise<QueueHead[]> {
    return this.database.query(HEADS, { fromQueue, limit });
  }

  /** Leases up to `share` due messages of each queue; none while mail is paused. */
  claim(queues: string[], share: number, leaseMs: number): Promise<ClaimedMail[]> {
    return this.database.query(CLAIM, { queues, share, leaseMs, workerId: WORKER_ID });
  }

  /** Renews leases. @returns The ids of those that were not lost. */
  async renew(ids: string[], leaseMs: number): Promise<Set<string>> {
    const rows: { id: string }[] = await this.database.query(RENEW, { ids, leaseMs, workerId: WORKER_ID });
    return new Set(rows.map(({ id }) => id));
  }

  /** Returns messages that were not tried. */
  async release(ids: string[]): Promise<void> {
    if (ids.length > 0) await this.database.query(RELEASE, { ids, workerId: WORKER_ID });
  }

  /** @returns The ids of the workers on this host that have a lease. */
  async workersOnThisHost(): Promise<string[]> {
    const rows: { workerId: string }[] = await this.database.query(WORKERS_ON_HOST, { hostPrefix: WORKER_HOST_PREFIX });
    return rows.map(({ workerId }) => workerId);
  }

  /** Ends the leases of workers that have exited. */
  async expire(workerIds: string[]): Promise<void> {
    await this.database.query(EXPIRE, { workerIds });
  }

  /** Marks up to `limit` due messages as kept, unless mail is paused. @returns Their number. */
  async keep(limit: number): Promise<number> {
    const rows: { id: string }[] = await this.database.query(KEEP, { limit });
    return rows.length;
  }
}

import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { notPaused } from '../../queue/pauses/not-paused.store.js';
import { Attendees } from '../attendees.js';
import type { FanOutTemplate } from '../templates/template-data.js';

/** Addresses of one statement. Each statement reads and sorts all that are left, so small parts would mostly sort. */
const PART = 20_000;

const START = statement(
  'mail_fan_out_start',
  `WITH due AS (
      SELECT id FROM mail_fan_outs WHERE expanded_at IS NULL AND due_at <= now() AND ${notPaused('mail')}
      ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE mail_fan_outs f SET started_at = coalesce(f.started_at, clock_timestamp()) FROM due WHERE f.id = due.id
    RETURNING f.id, f.template`,
);

const NEXT_DUE = statement(
  'mail_fan_out_next_due',
  `SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 * 1000 AS "dueInMs"
    FROM mail_fan_outs WHERE expanded_at IS NULL AND due_at > now()`,
);

const POSTPONE = statement(
  'mail_fan_out_postpone',
  `UPDATE mail_fan_outs SET due_at = clock_timestamp() + :delayMs * interval '1 millisecond' WHERE id = :id`,
);

/** The queue of a fan-out's messages is the fan-out. */
const DROP_CHANGES = statement(
  'mail_fan_out_drop_changes',
  `WITH change AS (
      SELECT c.id FROM mail_fan_outs f JOIN mail_fan_outs c ON c.event_id = f.event_id AND c.template = 'event-changed'
      WHERE f.id = :id
    ), dropped AS (
      DELETE FROM mail_messages WHERE id IN (
        SELECT m.id FROM change CROSS JOIN LATERAL (
          SELECT id FROM mail_messages WHERE status = 'pending' AND queue = change.id AND leased_by IS NULL
          LIMIT :limit FOR UPDATE SKIP LOCKED
        ) m
      ) RETURNING id
    )
    SELECT (SELECT count(*) FROM dropped)::integer AS dropped, EXISTS (
      SELECT FROM change JOIN mail_messages m ON m.queue = change.id WHERE m.status = 'pending' AND m.leased_by IS NOT NULL
    ) AS "isSending"`,
);

/** A UUIDv7 (RFC 9562 section 5.7) for each row: 48 bits of time before the random bits of a version 4, and the version. */
const NEW_ID = `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1),
    'hex')::uuid`;

/** Orders addresses by their bytes, as `max` below does, in a database of any collation. */
const expansion = (addresses: string): string => `
  WITH fan_out AS (
    SELECT id, account_id, event_id, template, created_at, last_address FROM mail_fan_outs
    WHERE id = $1 AND expanded_at IS NULL AND ${notPaused('mail')} FOR UPDATE SKIP LOCKED
  ), attendees AS MATERIALIZED (${addresses}), part AS (
    SELECT DISTINCT lower(a.address) COLLATE "C" AS address FROM attendees a
    WHERE a.address IS NOT NULL AND lower(a.address) COLLATE "C" > coalesce((SELECT last_address FROM fan_out), '')
    ORDER BY 1 LIMIT $2
  ), added AS (
    INSERT INTO mail_messages (id, account_id, queue, fan_out_id, recipient, template)
    SELECT ${NEW_ID}, f.account_id, f.id, f.id, part.address, f.template FROM fan_out f CROSS JOIN part ORDER BY part.address
    ON CONFLICT (fan_out_id, recipient) WHERE fan_out_id IS NOT NULL DO NOTHING
  ), reached AS (SELECT count(*) AS addresses, max(address) AS last_address FROM part)
  UPDATE mail_fan_outs f SET last_address = coalesce(reached.last_address, f.last_address),
    expanded_at = CASE WHEN reached.addresses < $2 THEN clock_timestamp() END
  FROM reached WHERE f.id = (SELECT id FROM fan_out) RETURNING f.expanded_at IS NULL AS "hasMore"`;

/** A fan-out that a worker may expand. */
export interface StartedFanOut {
  id: string;
  template: FanOutTemplate;
}

/**
 * Expands fan-outs. Hand-written: each part is one INSERT … SELECT that also records how far the fan-out is expanded, so a crash
 * repeats the part as a whole, and a unique key gives each address one message. A started fan-out does not change, so no
 * business transaction waits for its lock.
 */
@Injectable()
export class FanOutStore {
  constructor(
    private readonly database: Database,
    private readonly attendees: Attendees,
  ) {}

  /** @returns The fan-out that has been due longest and is not being expanded, marked as started; null if there is none, or
   *   mail is paused. */
  async start(): Promise<StartedFanOut | null> {
    const [started]: StartedFanOut[] = await this.database.query(START);
    return started ?? null;
  }

  /** @returns Milliseconds until the next fan-out is due; null if there is none. */
  async nextDueInMs(): Promise<number | null> {
    const [row]: { dueInMs: number | null }[] = await this.database.query(NEXT_DUE);
    return row?.dueInMs ?? null;
  }

  /** Delays a fan-out that failed. */
  async postpone({ id }: StartedFanOut, delayMs: number): Promise<void> {
    await this.database.query(POSTPONE, { id, delayMs });
  }

  /**
   * Deletes messages about changes of an event that is cancelled.
   * @param cancellation The fan-out of the event's cancellation.
   * @returns The number of deleted messages, up to `limit` of each change; and whether a worker has leased others.
   */
  async dropChanges({ id }: StartedFanOut, limit: number): Promise<{ dropped: number; isSending: boolean }> {
    const rows: { dropped: number; isSending: boolean }[] = await this.database.query(DROP_CHANGES, { id, limit });
    return rows[0]!;
  }

  /** Adds the messages of the next addresses. @returns Whether there may be more; false if another worker does it, or mail is paused. */
  async expandPart({ id, template }: StartedFanOut): Promise<boolean> {
    const text = expansion(this.attendees.addresses(template));
    const rows: { hasMore: boolean }[] = await this.database.query({ name: `mail_expand_${template}`, text }, [
      id,
      PART,
    ]);
    return rows[0]?.hasMore ?? false;
  }
}

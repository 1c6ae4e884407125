import type pg from 'pg';
import { OPEN_INSTALLATION } from '../../../src/platform/tenant.js';
import { SORTED_ID } from './sorted-id.js';

const SENT = 100_000;
/** Messages that wait for a later attempt, in many queues, and messages that are due. */
const WAITING_MAIL = 30_000;
const DUE_MAIL = 3_000;
const FAN_OUTS = 20_000;
/** The fan-out of a cancelled event, whose change has many messages. */
export const CANCELLATION = 'dddddddd-0000-7000-8000-000000000000';
const CHANGE = 'dddddddd-0000-7000-8000-000000000001';
export const CHANGE_MAIL = 2_000;

/** Sent messages with their attempts, the older half finished a day ago, and pending ones. */
export async function fillMail(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO mail_messages (id, account_id, queue, recipient, template, data, status, attempts,
      next_attempt_at, finished_at)
    SELECT ${SORTED_ID('n')}, '${OPEN_INSTALLATION}', '${OPEN_INSTALLATION}', 'person-' || n % 5000 || '@example.com',
      'booking-confirmed', '{}', CASE WHEN n % 500 = 1 THEN 'failed' ELSE 'sent' END, 1, NULL,
      now() - CASE WHEN n <= ${SENT / 2} THEN interval '1 day' ELSE interval '0' END
    FROM generate_series(1, ${SENT}) n`);
  await client.query(`INSERT INTO mail_attempts (message_id, number, outcome, duration_ms, attempted_at)
    SELECT id, 1, status, 1, now() FROM mail_messages`);
  await client.query(`INSERT INTO mail_messages (id, account_id, queue, recipient, template, data, next_attempt_at)
    SELECT ${SORTED_ID(`${SENT} + n`)}, '${OPEN_INSTALLATION}', md5((n % 100)::text)::uuid, 'later-' || n || '@example.com',
      'booking-confirmed', '{}', now() + interval '1 day' FROM generate_series(1, ${WAITING_MAIL}) n`);
  await client.query(`INSERT INTO mail_messages (id, account_id, queue, recipient, template, data, next_attempt_at)
    SELECT ${SORTED_ID(`${SENT + WAITING_MAIL} + n`)}, '${OPEN_INSTALLATION}', md5((n % 100)::text)::uuid,
      'due-' || n || '@example.com', 'booking-confirmed', '{}', now() - interval '1 minute'
    FROM generate_series(1, ${DUE_MAIL}) n`);
  await client.query(`INSERT INTO mail_fan_outs (id, account_id, event_id, template, data, due_at, started_at, expanded_at)
    SELECT ${SORTED_ID('n')}, '${OPEN_INSTALLATION}'::uuid, ${SORTED_ID('n % 5000')},
      CASE WHEN n <= 15000 THEN 'event-changed' ELSE 'event-cancelled' END, '{}'::jsonb, now(), now(), now()
    FROM generate_series(1, ${FAN_OUTS}) n
    UNION ALL SELECT '${CHANGE}', '${OPEN_INSTALLATION}', '${CHANGE}', 'event-changed', '{}', now(), now(), now()
    UNION ALL SELECT '${CANCELLATION}', '${OPEN_INSTALLATION}', '${CHANGE}', 'event-cancelled', '{}', now(), now(), NULL`);
  await client.query(`INSERT INTO mail_messages (id, account_id, queue, fan_out_id, recipient, template, next_attempt_at)
    SELECT ${SORTED_ID(`${SENT + WAITING_MAIL + DUE_MAIL} + n`)}, '${OPEN_INSTALLATION}', '${CHANGE}', '${CHANGE}',
      'attendee-' || n || '@example.com', 'event-changed', now() + interval '1 hour' FROM generate_series(1, ${CHANGE_MAIL}) n`);
}

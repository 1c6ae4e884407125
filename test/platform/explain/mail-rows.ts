import type pg from 'pg';
import { OPEN_INSTALLATION } from '../../../src/platform/tenant.js';
import { SORTED_ID } from './sorted-id.js';

const SENT = 100_000;
/** Messages that wait for a later attempt, in many queues, and messages that are due. */
const WAITING_MAIL = 30_000;
const DUE_MAIL = 3_000;

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
}

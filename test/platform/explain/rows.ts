import type pg from 'pg';
import { OPEN_INSTALLATION } from '../../../src/platform/tenant.js';
import { fillBooks } from './books-rows.js';
import { fillMail } from './mail-rows.js';
import { SORTED_ID } from './sorted-id.js';
import { fillSchedules } from './schedule-rows.js';
import { fillTickets } from './ticket-rows.js';
import { fillUsers } from './user-rows.js';

/** No query grows with the number of finished requests. Checked by its plan over this many; in CI a million. */
export const FINISHED = Number(process.env.EXPLAIN_FINISHED ?? 300_000);
const PENDING = 2_000;
/** Lanes with pending requests and no lease. */
export const WAITING = 5_000;

/** A finished request. */
export const SOME_ID = '0000ffff-0000-7000-8000-000000000000';

/** Has a fourth of the finished requests and of the lanes. */
export const BIG_ACCOUNT = 'aaaaaaaa-0000-4000-8000-000000000000';
/** Has a thousand requests, all of them old. */
export const SMALL_ACCOUNT = 'bbbbbbbb-0000-4000-8000-000000000000';
const ACCOUNT = `(CASE WHEN n % 4 = 3 THEN '${BIG_ACCOUNT}' WHEN n % 100 = 1 AND n < 100000 THEN '${SMALL_ACCOUNT}' END)`;

/** Inserts rows before their indexes and without foreign key checks, which takes two thirds of the time. */
export async function fill(client: pg.Client): Promise<void> {
  await client.query('BEGIN');
  await client.query('SET LOCAL session_replication_role = replica');
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(`
    SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index JOIN pg_class c ON c.oid = indrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`);
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  await insertRows(client);
  for (const { definition } of indexes) await client.query(definition);
  await client.query('COMMIT');
  await client.query('VACUUM ANALYZE');
}

async function insertRows(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO requests (id, account_id, mode, status, report, format, lane, queue_position, input_payload,
      result_payload, callback_url, created_at, started_at, completed_at)
    SELECT ${SORTED_ID('n')}, ${ACCOUNT}::uuid, CASE WHEN n % 10 = 0 THEN 'sync' ELSE 'async' END, CASE WHEN n % 500 = 1 THEN 'FAILED' ELSE 'COMPLETED' END,
      CASE WHEN n % 1000 = 3 THEN 'digest' ELSE 'transactions' END, 'csv',
      CASE WHEN n % 10 = 0 THEN NULL ELSE concat(${ACCOUNT} || '/', 'lane-', n % 7) END, CASE WHEN n % 10 = 0 THEN NULL ELSE n END, '{}', '{}', NULL,
      now(), now(), now() FROM generate_series(1, ${FINISHED}) n`);
  await client.query(`INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload, callback_url)
    SELECT ${SORTED_ID(`${FINISHED} + n`)}, 'async', 'PENDING', 'transactions', 'csv', 'busy', n, '{}', 'http://a.test/'
    FROM generate_series(1, ${PENDING}) n`);
  await client.query(
    `INSERT INTO lanes (name, next_position, pending) SELECT 'lane-' || n, ${FINISHED} + 1, 0 FROM generate_series(0, 6) n`,
  );
  for (const account of [BIG_ACCOUNT, SMALL_ACCOUNT])
    await client.query(`INSERT INTO lanes (name) SELECT '${account}/lane-' || n FROM generate_series(0, 6) n`);
  await client.query(`INSERT INTO lanes (name) SELECT md5(n::text) || '/lane' FROM generate_series(1, 50000) n`);
  await client.query(`INSERT INTO lanes (name, next_position, pending) VALUES ('busy', ${PENDING} + 1, ${PENDING})`);
  // All have a lower priority than the busy one. Some were served before it, some are leased and some paused.
  await client.query(`INSERT INTO lanes (name, next_position, pending, priority, served_at, paused, lease_until)
    SELECT 'waiting-' || n, 2, 1, -1000 - n % 100, now() - n % 900 * interval '1 second', n % 1000 = 0,
      CASE WHEN n % 1000 = 1 THEN now() + interval '1 hour' END FROM generate_series(1, ${WAITING}) n`);
  await client.query(`INSERT INTO callback_deliveries (id, request_id, url, account_id, destination, lane, queue_position, status, attempts, finished_at)
    SELECT id, id, 'http://a.test/', coalesce(account_id, '${OPEN_INSTALLATION}'), 'http://a.test:80', coalesce(lane, concat(account_id || '/', id)), coalesce(queue_position, 0),
      CASE WHEN status = 'FAILED' THEN 'FAILED' ELSE 'SUCCESS' END, 1, now() FROM requests WHERE status <> 'PENDING' AND queue_position % 5 = 1`);
  await client.query(`UPDATE callback_deliveries SET status = 'PENDING', attempts = (queue_position % 3)::integer, finished_at = NULL
    WHERE queue_position > ${FINISHED} - 5000`);
  await client.query(`INSERT INTO callback_logs (request_id, attempt_number, url, success, response_time_ms, attempted_at)
    SELECT request_id, 1, url, true, 1, now() FROM callback_deliveries`);
  await client.query(`INSERT INTO actions (id, at, account_id, actor_kind, action, target, outcome)
    SELECT ${SORTED_ID('n')}, now() - (${FINISHED} - n) * interval '1 second', ${ACCOUNT}::uuid, 'key',
      CASE WHEN n % 1000 = 3 THEN 'key.create' ELSE 'request.cancel' END, 'target-' || n, 'succeeded'
    FROM generate_series(1, ${FINISHED}) n`);
  await client.query(`INSERT INTO idempotency_keys (caller, scope, key, fingerprint, request_id)
    SELECT 'open', 'POST /api/async', 'key-' || n, 'f', ${SORTED_ID('n')} FROM generate_series(1, 100000) n`);
  await fillBooks(client);
  await fillTickets(client);
  await fillMail(client);
  await fillSchedules(client);
  await fillUsers(client);
}

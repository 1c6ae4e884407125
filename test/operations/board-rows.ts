import { v7 as uuidv7 } from 'uuid';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import type { Daybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';

type Target = Pick<Daybook, 'databaseUrl'>;

/** The job ids of each state, newest first. */
export type IdsByState = Record<'waiting' | 'active' | 'delayed' | 'completed' | 'failed', string[]>;

let position = 0;

async function addRequest(daybook: Target, status: string, error: string | null = null): Promise<string> {
  const id = uuidv7();
  await sql(
    daybook,
    `INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload, error, callback_url)
      VALUES ($1, 'async', $2, 'digest', 'json', 'lane-1', $3, '{"input_data": "x"}', $4, 'https://a.example/hook?token=hush')`,
    [id, status, ++position, error],
  );
  return id;
}

/** Adds a delivery, and optionally what shows that its attempt is in flight. */
async function addDelivery(
  daybook: Target,
  status: string,
  { attempts = 0, lane = 'lane-1', started = false, leasedBy = null as string | null } = {},
): Promise<string> {
  const [id, requestId] = [uuidv7(), await addRequest(daybook, 'COMPLETED')];
  await sql(
    daybook,
    `INSERT INTO callback_deliveries
      (id, request_id, url, destination, lane, queue_position, status, attempts, leased_by, error, next_attempt_at, finished_at)
      VALUES ($1, $2, 'https://a.example/hook?token=hush', 'https://a.example:443', $3, $4, $5, $6, $7, $8,
        now() + interval '1 hour', CASE WHEN $5 <> 'PENDING' THEN now() END)`,
    [id, requestId, lane, position, status, attempts, leasedBy, status === 'FAILED' ? 'Responded with 500' : null],
  );
  if (started)
    await sql(
      daybook,
      `INSERT INTO callback_queues (destination, lane, leased_by, lease_until, started, started_numbers)
        VALUES ('https://a.example:443', $1, 'elsewhere:1', 'infinity', $2, $3)`,
      [lane, [id], [attempts + 1]],
    );
  return id;
}

async function addMail(
  daybook: Target,
  status: string,
  { attempts = 0, leasedBy = null as string | null, template = 'password-reset' } = {},
): Promise<string> {
  const id = uuidv7();
  const data = { name: 'Ada', token: 'hush', expires_at: '2026-12-01T19:00:00.000Z' };
  await sql(
    daybook,
    `INSERT INTO mail_messages
      (id, account_id, queue, recipient, template, data, status, attempts, leased_by, next_attempt_at, finished_at)
      VALUES ($1, $2, $2, 'ada@example.com', $3, $4, $5, $6, $7,
        CASE WHEN $5 = 'pending' THEN now() + interval '1 hour' END, CASE WHEN $5 <> 'pending' THEN now() END)`,
    [id, OPEN_INSTALLATION, template, JSON.stringify(data), status, attempts, leasedBy],
  );
  return id;
}

/** Two requests of each state, with the requests of deliveries among those that are completed. */
export async function addRequests(daybook: Target): Promise<IdsByState> {
  const add = async (...statuses: string[]): Promise<string[]> => {
    const ids: string[] = [];
    for (const status of statuses)
      ids.unshift(await addRequest(daybook, status, status === 'FAILED' ? 'No rows' : null));
    return ids;
  };
  return {
    waiting: await add('PENDING', 'PENDING'),
    active: await add('PROCESSING'),
    delayed: [],
    completed: await add('COMPLETED', 'COMPLETED'),
    failed: await add('FAILED', 'CANCELLED'),
  };
}

/** Deliveries of each state. */
export async function addDeliveries(daybook: Target): Promise<IdsByState> {
  const first = await addDelivery(daybook, 'PENDING', { lane: 'lane-2', started: true });
  const retried = await addDelivery(daybook, 'PENDING', { attempts: 1, leasedBy: 'elsewhere:1' });
  const failed = await addDelivery(daybook, 'FAILED', { attempts: 4 });
  return {
    // In the order in which they are sent.
    waiting: [await addDelivery(daybook, 'PENDING'), await addDelivery(daybook, 'PENDING', { lane: 'lane-2' })],
    active: [retried, first],
    delayed: [await addDelivery(daybook, 'PENDING', { attempts: 2 })],
    completed: [await addDelivery(daybook, 'SUCCESS', { attempts: 1 })],
    failed: [failed],
  };
}

/** Messages of each state. */
export async function addMessages(daybook: Target): Promise<IdsByState> {
  const [failed, kept] = [await addMail(daybook, 'failed', { attempts: 3 }), await addMail(daybook, 'kept')];
  await sql(
    daybook,
    `INSERT INTO mail_attempts (message_id, number, outcome, smtp_code, detail, duration_ms, attempted_at)
      VALUES ($1, 3, 'failed', 550, 'No such mailbox', 7, '2026-01-02T03:04:05Z')`,
    [failed],
  );
  return {
    waiting: [await addMail(daybook, 'pending')],
    active: [await addMail(daybook, 'pending', { leasedBy: 'elsewhere:1' })],
    delayed: [await addMail(daybook, 'pending', { attempts: 1 })],
    completed: [await addMail(daybook, 'sent', { attempts: 1 })],
    failed: [kept, failed],
  };
}

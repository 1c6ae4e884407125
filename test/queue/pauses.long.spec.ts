/** A paused queue is held in every process and loses nothing: neither work, nor its order, nor an attempt. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from '@jest/globals';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { type SmtpFixture, startSmtp } from '../mail/smtp-fixture.js';
import { get, post } from '../support/client.js';
import { createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/daybook.main.js', import.meta.url));
const LANES = ['a', 'b'];
const MESSAGES = 30;
const ATTENDEES = 5;

let receiver: Receiver;
let smtp: SmtpFixture;
let database: { databaseUrl: string };
/** Two processes on one database without Redis, which cannot wake each other. */
let first: Daybook;
let second: Daybook;
let env: Record<string, string>;

beforeAll(async () => {
  const [{ url }, ...peers] = await Promise.all([createDatabase(), startReceiver(), startSmtp()]);
  [receiver, smtp] = peers;
  database = { databaseUrl: url };
  // No sweep: a worker must learn of a resume by itself.
  env = { ...UNLIMITED, DATABASE_URL: url, SMTP_URL: smtp.url, SWEEP_INTERVAL: '1m', DEMO_RECEIVER: 'off' };
  first = await startDaybook({ env: { ...env, HOLD: 'mail,reports,callbacks' } });
  second = await startDaybook({ env });
}, 60_000);

/** Runs `daybook queues` beside the service. @returns Its output. */
async function queues(...args: string[]): Promise<string> {
  const options = { cwd: first.dataDir, env: { PATH: process.env.PATH, DATABASE_URL: database.databaseUrl } };
  return (await promisify(execFile)(process.execPath, [MAIN, 'queues', ...args], options)).stdout;
}

async function count(from: string, where = 'true'): Promise<number> {
  const [row] = await sql<{ count: number }>(database, `SELECT count(*)::integer AS count FROM ${from} WHERE ${where}`);
  return row!.count;
}

const body = (index: number, iterations: number): object => ({
  input_data: String(index),
  iterations,
  lane: LANES[index % LANES.length],
  callback_url: `${receiver.url}/`,
});

async function addMessages(): Promise<void> {
  await sql(
    database,
    `INSERT INTO mail_messages (id, account_id, queue, recipient, template, data)
      SELECT gen_random_uuid(), $1, $1, 'person-' || i || '@example.com', 'booking-confirmed', $2
      FROM generate_series(1, ${MESSAGES}) i`,
    [
      OPEN_INSTALLATION,
      JSON.stringify({
        event: { title: 'Concert', date: '2026-12-01T19:00:00.000Z', location: 'Hall' },
        num_tickets: 2,
        total: '25.00 EUR',
      }),
    ],
  );
}

async function addFanOut(): Promise<void> {
  const eventId = randomUUID();
  await sql(
    database,
    `INSERT INTO events (id, account_id, organizer_id, organizer_name, title, description, date, location, total_tickets,
        price_cents, currency)
      VALUES ($1, $2, $1, 'O', 'Concert', '', now() + interval '1 day', 'Hall', 100, 100, 'EUR')`,
    [eventId, OPEN_INSTALLATION],
  );
  await sql(
    database,
    `INSERT INTO bookings (id, account_id, event_id, event_title, customer_id, customer_name, customer_email, num_tickets,
        price_cents, currency, total_cents)
      SELECT gen_random_uuid(), $2, $1, 'Concert', gen_random_uuid(), 'C', 'attendee-' || i || '@example.com', 1, 100, 'EUR', 100
      FROM generate_series(1, ${ATTENDEES}) i`,
    [eventId, OPEN_INSTALLATION],
  );
  const changes = [{ field: 'location', from: 'Hall', to: 'Hall 2' }];
  const data = { event: { title: 'Concert', date: '2027-01-01T00:00:00.000Z', location: 'Hall 2' }, changes };
  await sql(
    database,
    `INSERT INTO mail_fan_outs (id, account_id, event_id, template, data, due_at)
      VALUES (gen_random_uuid(), $2, $1, 'event-changed', $3, now())`,
    [eventId, OPEN_INSTALLATION, JSON.stringify(data)],
  );
}

it('HOLD pauses queues at the start, for all processes, and a start without it leaves them paused', async () => {
  const paused = { paused_at: expect.stringMatching(/^\d{4}-.*Z$/) };
  for (const daybook of [first, second]) {
    const { json } = await get(daybook, '/api/health');
    expect(json).toMatchObject({ status: 'ok', queues: { reports: paused, callbacks: paused, mail: paused } });
    const { text } = await get(daybook, '/metrics');
    for (const name of ['reports', 'callbacks', 'mail'])
      expect(text).toContain(`daybook_queue_paused{queue="${name}"} 1`);
  }
  const output = await queues();
  expect(output).toMatch(/^reports\tpaused\t\d{4}-\S+Z\ncallbacks\tpaused\t\S+\nmail\tpaused\t\S+\n$/);
});

it('paused reports are accepted and wait, also after kill -9, while sync requests are answered', async () => {
  const accepted = await Promise.all([first, second].map(({ url }) => submitAsync(url, 20, (i) => body(i, 1))));
  expect(accepted.flat()).toHaveLength(40);
  first.kill();
  await first.exited;
  first = await startDaybook({ env });
  for (const daybook of [first, second]) {
    const sync = await post(daybook, '/api/sync', { input_data: 'x', iterations: 1, callback_url: `${receiver.url}/` });
    expect(sync.status).toBe(200);
  }
  expect(await count('requests', `mode = 'async' AND status = 'PENDING' AND started_at IS NULL`)).toBe(40);
  expect(await count('lanes', 'leased_by IS NOT NULL')).toBe(0);
});

it('resumed reports are generated in order, and their callbacks wait, also after kill -9', async () => {
  expect(await queues('resume', 'reports')).toBe('The queue reports is resumed.\n');
  await eventually(async () => (await count('requests', `status = 'COMPLETED'`)) === 42);
  const disordered = `(SELECT started_at < lag(completed_at) OVER (PARTITION BY lane ORDER BY queue_position) AS is
    FROM requests WHERE mode = 'async') r`;
  expect(await count(disordered, 'r.is')).toBe(0);
  second.kill();
  await second.exited;
  second = await startDaybook({ env });
  expect(await count('callback_deliveries', `status = 'PENDING' AND attempts = 0 AND leased_by IS NULL`)).toBe(42);
  expect([await count('callback_queues'), receiver.received.length]).toEqual([0, 0]);
});

it('resumed callbacks are sent once each, in the order of their lanes', async () => {
  expect(await queues('resume', 'callbacks')).toBe('The queue callbacks is resumed.\n');
  await eventually(async () => (await count('callback_deliveries', `status = 'SUCCESS' AND attempts = 1`)) === 42);
  expect(receiver.received).toHaveLength(42);
  const rows = await sql<{ id: string; lane: string }>(database, 'SELECT id, lane FROM requests');
  const lanes = new Map(rows.map(({ id, lane }) => [id, lane]));
  for (const lane of LANES) {
    const ofLane = receiver.received.filter(({ json }) => lanes.get(json.request_id) === lane);
    const positions = ofLane.map(({ json }) => json.queue_position as number);
    expect(positions).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  }
});

it('paused mail waits, and so do changes of events; when it is resumed everyone gets it once', async () => {
  await addMessages();
  await addFanOut();
  for (const daybook of [first, second]) daybook.kill();
  await Promise.all([first.exited, second.exited]);
  // Their first sweep looks for mail.
  [first, second] = [await startDaybook({ env }), await startDaybook({ env })];
  expect((await post(first, '/api/sync', { input_data: 'x', iterations: 1 })).status).toBe(200);
  expect(await count('mail_messages', `status = 'pending' AND attempts = 0 AND leased_by IS NULL`)).toBe(MESSAGES);
  expect(await count('mail_fan_outs', 'started_at IS NULL')).toBe(1);
  await queues('resume', 'mail');
  await eventually(async () => (await count('mail_messages', `status = 'sent'`)) === MESSAGES + ATTENDEES);
  expect(smtp.received).toHaveLength(MESSAGES + ATTENDEES);
  expect(smtp.addresses()).toHaveLength(MESSAGES + ATTENDEES);
});

it('a lane that runs ends with the report in hand, and goes on where it ended', async () => {
  await submitAsync(first.url, 60, (index) => ({ ...body(0, 400_000), input_data: `long ${index}` }), 4);
  await eventually(() =>
    count(
      'requests',
      `mode = 'async' AND status = 'COMPLETED' AND report = 'digest' AND lane = 'a' AND queue_position > 20`,
    ),
  );
  expect(await queues('pause', 'reports')).toBe('The queue reports is paused.\n');
  expect(await queues('pause', 'reports')).toBe('The queue reports was paused already.\n');
  await eventually(async () => (await count('lanes', 'leased_by IS NOT NULL')) === 0);
  expect(await count('requests', `status = 'PROCESSING'`)).toBe(0);
  expect(await count('requests', `status = 'PENDING'`)).toBeGreaterThan(0);
});

it('a run of callbacks ends with the attempt in hand, and uses up no attempt', async () => {
  receiver.answer({ delayMs: 100 });
  await queues('pause', 'callbacks');
  await queues('resume', 'reports');
  await eventually(async () => (await count('requests', `status IN ('PENDING', 'PROCESSING')`)) === 0, {
    timeoutMs: 60_000,
  });
  const before = receiver.received.length;
  await queues('resume', 'callbacks');
  await eventually(() => receiver.received.length > before + 1);
  await queues('pause', 'callbacks');
  await eventually(async () => (await count('callback_queues')) === 0);
  const [sums] = await sql(
    database,
    'SELECT sum(attempts)::integer AS attempts, sum(unknown)::integer AS unknown FROM callback_deliveries',
  );
  expect(sums).toEqual({ attempts: receiver.received.length, unknown: 0 });
  expect(
    await count('callback_deliveries', `status = 'PENDING' AND attempts = 0 AND leased_by IS NULL`),
  ).toBeGreaterThan(0);
});

it('the command line refuses what it does not know, and its changes are in the action log', async () => {
  await expect(queues('pause', 'reprots')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('queues: There is no queue reprots: it must be one of reports, callbacks, mail'),
  });
  expect(await queues('resume', 'mail')).toBe('The queue mail was not paused.\n');
  const actions = await sql(
    database,
    `SELECT action, target, actor_name FROM actions WHERE action LIKE 'queue.%' ORDER BY at, id`,
  );
  const actor_name = userInfo().username;
  expect(actions.slice(0, 2)).toEqual([
    { action: 'queue.resume', target: 'reports', actor_name },
    { action: 'queue.resume', target: 'callbacks', actor_name },
  ]);
  expect(actions).toHaveLength(8);
});

/** Operators list mail over HTTP, page by page and without secrets. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey } from '../support/keys.js';
import { addKeptMail } from '../support/mail.js';
import { sql } from '../support/sql.js';
import { type SmtpFixture, startSmtp } from './smtp-fixture.js';

let smtp: SmtpFixture;
let daybook: Daybook;

beforeAll(async () => {
  smtp = await startSmtp();
  daybook = await startDaybook({
    env: { SMTP_URL: smtp.url, MAIL_RETRY_DELAYS: '1h', SWEEP_INTERVAL: '200ms', RETENTION: '1d' },
  });
});

describe('GET /api/mail', () => {
  it('lists messages by status and address, newest first, page by page', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.unshift(await addKeptMail(daybook, { to: `List@example.com` }));
    const first = await get(daybook, '/api/mail?status=kept&to=list@EXAMPLE.com&limit=3');
    expect(first.json.messages.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 3));
    const second = await get(
      daybook,
      `/api/mail?status=kept&to=list@example.com&limit=3&cursor=${first.json.next_cursor}`,
    );
    expect(second.json.messages.map(({ id }: { id: string }) => id)).toEqual(ids.slice(3));
    expect(second.json.next_cursor).toBeNull();
    expect((await get(daybook, '/api/mail?status=sent&to=list@example.com')).json.messages).toEqual([]);
  });

  it('refuses an unknown status', async () => {
    const reply = await get(daybook, '/api/mail?status=lost');
    expect([reply.status, reply.text]).toEqual([422, expect.stringContaining('pending')]);
  });

  it('never lists the token of a password reset; a kept message shows it', async () => {
    const data = { name: 'Ada', token: 'hush-hush', expires_at: '2026-12-01T19:00:00.000Z' };
    const id = await addKeptMail(daybook, { to: 'reset@example.com', template: 'password-reset', data });
    expect((await get(daybook, '/api/mail?to=reset@example.com')).text).not.toContain('hush-hush');
    expect((await get(daybook, `/api/mail/${id}`)).json.text).toContain('hush-hush');
    smtp.behaviour.set('reset', 450);
    await send(daybook, 'POST', `/api/mail/${id}/retry`);
    await eventually(async () => (await get(daybook, `/api/mail/${id}`)).json.attempts === 1);
    expect((await get(daybook, `/api/mail/${id}`)).text).not.toContain('hush-hush');
    smtp.behaviour.clear();
    await send(daybook, 'POST', `/api/mail/${id}/retry`);
    await eventually(async () => (await get(daybook, `/api/mail/${id}`)).json.status === 'sent');
    expect(smtp.received.at(-1)!.raw).toContain('hush-hush');
    const [row] = await sql<{ row: string }>(daybook, 'SELECT m::text AS row FROM mail_messages m WHERE id = $1', [id]);
    expect(row!.row).not.toContain('hush-hush');
  });
});

describe('POST /api/mail/{id}/retry', () => {
  it('sends a kept message, and shows the attempt with the reply of the server', async () => {
    const id = await addKeptMail(daybook, { to: 'again@example.com' });
    const reply = await send(daybook, 'POST', `/api/mail/${id}/retry`);
    expect([reply.status, reply.json.to]).toEqual([202, 'again@example.com']);
    await eventually(async () => (await get(daybook, `/api/mail/${id}`)).json.status === 'sent');
    const { json } = await get(daybook, `/api/mail/${id}`);
    expect(json).toMatchObject({
      message_id: `<${id}@localhost>`,
      attempt_log: [{ number: 1, outcome: 'sent', smtp_code: 250 }],
    });
    const again = await send(daybook, 'POST', `/api/mail/${id}/retry`);
    expect([again.status, again.json.type]).toEqual([409, 'urn:daybook:problem:mail-sent']);
  });

  it('is 404 for an unknown message', async () => {
    expect((await send(daybook, 'POST', '/api/mail/none/retry')).status).toBe(404);
    expect((await get(daybook, '/api/mail/01900000-0000-7000-8000-000000000000')).status).toBe(404);
  });
});

it('is deleted after RETENTION, with its attempts and its fan-out; newer ones remain', async () => {
  const createdAtMs = Date.now() - 2 * 86_400_000;
  const old = await addKeptMail(daybook, { to: 'old@example.com', createdAtMs });
  const young = await addKeptMail(daybook, { to: 'young@example.com', createdAtMs });
  await sql(
    daybook,
    `INSERT INTO mail_attempts (message_id, number, outcome, duration_ms, attempted_at) VALUES ($1, 1, 'retried', 1, now())`,
    [old],
  );
  await sql(
    daybook,
    `INSERT INTO mail_fan_outs (id, account_id, event_id, template, data, due_at, started_at, expanded_at)
      SELECT id, account_id, id, 'event-cancelled', '{}', past, past, past
      FROM mail_messages CROSS JOIN (SELECT now() - interval '2 days') AS p (past) WHERE id = ANY ($1)`,
    [[old, young]],
  );
  await sql(daybook, 'UPDATE mail_messages SET fan_out_id = id WHERE id = ANY ($1)', [[old, young]]);
  await sql(daybook, `UPDATE mail_messages SET finished_at = now() - interval '2 days' WHERE id = $1`, [old]);
  await eventually(async () => (await get(daybook, `/api/mail/${old}`)).status === 404);
  const left = (table: string, column: string) =>
    sql<{ id: string }>(daybook, `SELECT ${column} AS id FROM ${table} WHERE ${column} = ANY ($1)`, [[old, young]]);
  expect(await left('mail_attempts', 'message_id')).toEqual([]);
  await eventually(async () => (await left('mail_fan_outs', 'id')).length === 1);
  expect(await left('mail_fan_outs', 'id')).toEqual([{ id: young }]);
  expect((await get(daybook, `/api/mail/${young}`)).status).toBe(200);
});

it('shows in health and metrics', async () => {
  const { json } = await get(daybook, '/api/health');
  expect(json.dependencies.mail).toMatchObject({ status: 'up', driver: 'smtp', cause: null });
  const metrics = await get(daybook, '/metrics');
  expect(metrics.text).toMatch(/daybook_mail_attempts_total\{outcome="sent"\} \d/);
  expect(metrics.text).toMatch(/daybook_mail_pending \d/);
});

it('needs the scope admin with AUTH=required; a key that acts for an account sees only its mail', async () => {
  const required = await startDaybook({ env: { AUTH: 'required', SMTP_URL: 'smtp://127.0.0.1:9' } });
  const admin = await createKey(required, ['admin']);
  const reader = await createKey(required, ['reports:read', 'books:write']);
  const id = await addKeptMail(required, { to: 'a@example.com', account: '01900000-0000-7000-8000-000000000001' });
  for (const path of ['/api/mail', `/api/mail/${id}`]) {
    expect((await get(required, path, reader.headers)).status).toBe(403);
    expect((await get(required, path, admin.headers)).status).toBe(200);
  }
  const acting = { ...admin.headers, 'daybook-account': 'default' };
  expect((await get(required, '/api/mail', acting)).json.messages).toEqual([]);
  expect((await get(required, `/api/mail/${id}`, acting)).status).toBe(404);
  const health = await get(required, '/api/health', admin.headers);
  expect(health.json.dependencies.mail).toMatchObject({ status: 'down', cause: 'unreachable' });
});

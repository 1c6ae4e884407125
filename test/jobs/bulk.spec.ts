/**
 * One call cancels, deletes or redelivers all requests that a filter matches, and changes no others: not those of other accounts,
 * in other states, or with a callback that is due.
 */
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { REQUEST_TABLES } from '../support/tables.js';

let daybook: Daybook;
let receiver: Receiver;
let acme: TestKey;
let other: TestKey;
beforeAll(async () => {
  receiver = await startReceiver();
  const env = {
    ...UNLIMITED,
    AUTH: 'required',
    CALLBACK_RETRY_DELAYS: '1h',
    CALLBACK_REDELIVERY_RATE: 'off',
    SWEEP_INTERVAL: '100ms',
  };
  daybook = await startDaybook({ env });
  acme = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'acme' });
  other = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'other' });
});
beforeEach(async () => {
  receiver.answer({ status: 200 });
  await sql(daybook, `TRUNCATE ${REQUEST_TABLES}, callback_redeliveries, callback_redelivery_paces CASCADE`);
  await sql(daybook, 'DELETE FROM lanes');
});

async function accept(key: TestKey, lane: string, more: object = {}): Promise<string> {
  const body = { input_data: 'x', iterations: 1, callback_url: null, lane, ...more };
  const reply = await post(daybook, '/api/async', body, key.headers);
  expect(reply.status).toBe(202);
  return reply.json.request_id;
}

const lanes = ({ headers }: TestKey, lane: string, act: 'pause' | 'resume') =>
  post(daybook, `/api/lanes/${lane}/${act}`, undefined, headers);
const detail = async ({ headers }: TestKey, id: string) => (await get(daybook, `/api/requests/${id}`, headers)).json;
const untilState = (key: TestKey, id: string, state: object) =>
  eventually(async () => expect(await detail(key, id)).toMatchObject(state));
const bulk = ({ headers }: TestKey, body: object): Promise<Reply> => post(daybook, '/api/requests/bulk', body, headers);
const statuses = async (key: TestKey, query = '') => {
  const { requests } = (await get(daybook, `/api/requests?limit=200${query}`, key.headers)).json;
  return requests.map(({ status }: { status: string }) => status);
};

describe('cancel', () => {
  it('counts, then cancels the pending requests that match, and no others; the lane goes on in order', async () => {
    await lanes(acme, 'a', 'pause');
    await lanes(other, 'a', 'pause');
    const callback_url = `${receiver.url}/hook`;
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(await accept(acme, 'a', { callback_url: n % 2 === 0 ? callback_url : null }));
    const foreign = await accept(other, 'a', { callback_url });
    const done = await accept(acme, 'b', { callback_url });
    await untilState(acme, done, { status: 'COMPLETED', callback_status: 'SUCCESS' });
    const body = { action: 'cancel', filter: { q: '/HOOK' } };
    const counted = await bulk(acme, { ...body, dry_run: true });
    expect([counted.status, counted.json]).toEqual([200, { count: 3 }]);
    expect(await statuses(acme)).toEqual(['COMPLETED', ...Array.from({ length: 6 }, () => 'PENDING')]);
    const cancelled = await bulk(acme, body);
    expect([cancelled.status, cancelled.json]).toEqual([200, { count: 3 }]);
    const [c, p] = ['CANCELLED', 'PENDING'];
    expect(await statuses(acme, '&lane=a')).toEqual([p, c, p, c, p, c]);
    expect((await bulk(acme, body)).json).toEqual({ count: 0 });
    expect(await detail(other, foreign)).toMatchObject({ status: 'PENDING' });
    expect(await detail(acme, ids[5]!)).toMatchObject({ queue_position: 6, jobs_ahead: 2 });
    const [lane] = (await get(daybook, '/api/lanes', acme.headers)).json.lanes;
    expect(lane).toMatchObject({ lane: 'a', pending: 3 });
    for (const id of [ids[0]!, ids[2]!, ids[4]!]) await untilState(acme, id, { callback_status: 'SUCCESS' });
    const types = receiver.received.map(({ json }) => json.type);
    expect(types.filter((type) => type === 'report.cancelled')).toHaveLength(3);
    await lanes(acme, 'a', 'resume');
    for (const id of [ids[1]!, ids[3]!, ids[5]!]) await untilState(acme, id, { status: 'COMPLETED' });
    expect(await accept(acme, 'a').then((id) => detail(acme, id))).toMatchObject({ queue_position: 7 });
    const left = await sql(daybook, `SELECT FROM cancelled_positions`);
    expect(left).toEqual([]);
  });

  it('works on more than a batch, in more than one lane, and frees the storage that they reserve', async () => {
    const names = ['a', 'b', 'c'];
    for (const name of names) await lanes(acme, name, 'pause');
    for (let n = 0; n < 2; n++) {
      const requests = Array.from({ length: 600 }, (_, i) => ({ callback_url: null, lane: names[i % 3] }));
      expect((await post(daybook, '/api/batch', { requests }, acme.headers)).status).toBe(202);
    }
    const kept = await accept(other, 'a');
    expect((await bulk(acme, { action: 'cancel', filter: {} })).json).toEqual({ count: 1_200 });
    await untilState(other, kept, { status: 'COMPLETED' });
    const text = `SELECT pending, reserved_bytes FROM lanes WHERE paused ORDER BY name`;
    expect(await sql(daybook, text)).toEqual(names.map(() => ({ pending: 0, reserved_bytes: '0' })));
    expect(new Set(await statuses(acme))).toEqual(new Set(['CANCELLED']));
    for (const name of names) await lanes(acme, name, 'resume');
    expect(await sql(daybook, `SELECT FROM cancelled_positions`)).toEqual([]);
  });

  it('cancels each request once, whoever else cancels and works on the lane', async () => {
    const requests = Array.from({ length: 200 }, (_, n) => ({
      input_data: 'x',
      iterations: 1,
      callback_url: `${receiver.url}/${n}`,
      lane: `l${n % 2}`,
    }));
    const { json } = await post(daybook, '/api/batch', { requests }, acme.headers);
    const body = { action: 'cancel', filter: {} };
    const [one, two] = await Promise.all([bulk(acme, body), bulk(acme, body)]);
    for (const { request_id } of json.requests as { request_id: string }[])
      await untilState(acme, request_id, { callback_status: 'SUCCESS' });
    const all = await statuses(acme);
    expect(all.filter((status: string) => status === 'CANCELLED')).toHaveLength(one.json.count + two.json.count);
    expect(new Set(all).has('PENDING')).toBe(false);
    const sums = await sql(daybook, 'SELECT sum(pending)::integer AS pending FROM lanes');
    expect(sums).toEqual([{ pending: 0 }]);
  });
});

describe('delete', () => {
  it('deletes the finished requests that match without a callback due, and no others', async () => {
    await lanes(acme, 'held', 'pause');
    const pending = await accept(acme, 'held');
    const old = await accept(acme, 'a');
    await untilState(acme, old, { status: 'COMPLETED' });
    await sql(
      daybook,
      `UPDATE requests SET created_at = '2020-01-01', id = '016f5e66-e800-7000-8000-000000000001' WHERE id = $1`,
      [old],
    );
    receiver.answer({ status: 500 });
    const due = await accept(acme, 'a', { callback_url: receiver.url });
    await untilState(acme, due, { status: 'COMPLETED', callback_attempts: 1 });
    const young = await accept(acme, 'a');
    const foreign = await accept(other, 'a');
    for (const [key, id] of [
      [acme, young],
      [other, foreign],
    ] as const)
      await untilState(key, id, { status: 'COMPLETED' });
    // Accepted by a process whose clock is ahead.
    const ahead = uuidv7({ msecs: Date.now() + 600_000 });
    await sql(daybook, 'UPDATE requests SET id = $2 WHERE id = $1', [young, ahead]);
    const before = { action: 'delete', filter: { created_to: '2020-01-01T05:45:01+05:45' } };
    expect((await bulk(acme, { ...before, dry_run: true })).json).toEqual({ count: 1 });
    expect((await bulk(acme, before)).json).toEqual({ count: 1 });
    expect((await bulk(acme, { action: 'delete', filter: { status: 'PENDING' } })).json).toEqual({ count: 0 });
    expect((await bulk(acme, { action: 'delete', filter: {}, dry_run: true })).json).toEqual({ count: 1 });
    expect((await bulk(acme, { action: 'delete', filter: {} })).json).toEqual({ count: 1 });
    const left = (await get(daybook, '/api/requests', acme.headers)).json.requests.map(({ id }: { id: string }) => id);
    expect(left).toEqual([due, pending]);
    expect((await bulk(other, { action: 'delete', filter: { status: 'COMPLETED' } })).json).toEqual({ count: 1 });
  });
});

describe('redeliver', () => {
  it('sends the ended callbacks of the requests that match again, as a job with progress', async () => {
    receiver.answer({ status: 400 });
    const failed: string[] = [];
    for (const lane of ['a', 'a', 'b']) failed.push(await accept(acme, lane, { callback_url: `${receiver.url}/x` }));
    const foreign = await accept(other, 'a', { callback_url: `${receiver.url}/x` });
    await accept(acme, 'a');
    for (const id of failed) await untilState(acme, id, { callback_status: 'FAILED' });
    await untilState(other, foreign, { callback_status: 'FAILED' });
    receiver.answer({ status: 200 });
    const body = { action: 'redeliver', filter: { lane: 'a', q: '/X' } };
    const counted = await bulk(acme, { ...body, dry_run: true });
    expect([counted.status, counted.json]).toEqual([200, { count: 2 }]);
    const reply = await bulk(acme, body);
    expect(reply).toMatchObject({ status: 202, json: { status: 'running', matched: 2, redelivered: 0 } });
    const path = reply.headers.get('location')!;
    expect(path).toBe(`/api/callbacks/redeliveries/${reply.json.id}`);
    const job = async () => (await get(daybook, path, acme.headers)).json;
    await eventually(async () => expect(await job()).toMatchObject({ status: 'completed', redelivered: 2 }));
    expect((await job()).filter.requests).toEqual(body.filter);
    for (const id of failed.slice(0, 2))
      await untilState(acme, id, { callback_status: 'SUCCESS', callback_attempts: 2 });
    expect(await detail(acme, failed[2]!)).toMatchObject({ callback_status: 'FAILED', callback_attempts: 1 });
    expect(await detail(other, foreign)).toMatchObject({ callback_status: 'FAILED', callback_attempts: 1 });
    expectProblem(await get(daybook, path, other.headers), 404);
  });

  it('continues page after page', async () => {
    const requests = Array.from({ length: 250 }, () => ({
      input_data: 'x',
      iterations: 1,
      callback_url: receiver.url,
      lane: 'a',
    }));
    expect((await post(daybook, '/api/batch', { requests }, acme.headers)).status).toBe(202);
    const ended = `SELECT FROM callback_deliveries WHERE status = 'SUCCESS' AND attempts = $1`;
    await eventually(async () => (await sql(daybook, ended, [1])).length === 250, { timeoutMs: 60_000 });
    const { json } = await bulk(acme, { action: 'redeliver', filter: { status: 'COMPLETED' } });
    const path = `/api/callbacks/redeliveries/${json.id}`;
    await eventually(async () => (await get(daybook, path, acme.headers)).json.redelivered === 250, {
      timeoutMs: 60_000,
    });
    await eventually(async () => (await sql(daybook, ended, [2])).length === 250, { timeoutMs: 60_000 });
    await eventually(async () => (await get(daybook, path, acme.headers)).json.status === 'completed');
  });
});

describe('bad input', () => {
  it.each([
    [{}, 'action'],
    [{ action: 'cancel' }, 'filter'],
    [{ action: 'pause', filter: {} }, 'action'],
    [{ action: 'cancel', filter: null }, 'filter'],
    [{ action: 'cancel', filter: { status: 'OPEN' } }, 'filter.status'],
    [{ action: 'cancel', filter: { q: '' } }, 'filter.q'],
    [{ action: 'cancel', filter: { created_from: 'today' } }, 'filter.created_from'],
    [{ action: 'cancel', filter: { limit: 5 } }, 'filter'],
    [{ action: 'cancel', filter: {}, dry_run: 'yes' }, 'dry_run'],
    [{ action: 'cancel', filter: {}, limit: 5 }, ''],
  ])('refuses %j', async (body, path) => {
    const reply = await bulk(acme, body);
    expectProblem(reply, 422);
    expect(reply.json.errors[0].path).toBe(path);
  });

  it('needs reports:write, and its entry in the action log has the filter', async () => {
    const reader = await createKey(daybook, ['reports:read'], { account: 'acme' });
    expectProblem(await bulk(reader, { action: 'delete', filter: {} }), 403);
    const admin = await createKey(daybook, ['admin'], { account: 'acme' });
    const filter = { lane: 'nowhere', q: 'https://a.example/?token=hush' };
    expect((await bulk(acme, { action: 'delete', filter })).json).toEqual({ count: 0 });
    const recorded = await eventually(async () => {
      const { json } = await get(daybook, '/api/actions?action=request.bulk&limit=1', admin.headers);
      return json.actions[0]?.detail.filter?.lane && json.actions[0];
    });
    expect(recorded.detail).toEqual({
      action: 'delete',
      filter: { lane: 'nowhere', q: 'https://a.example' },
      count: 0,
    });
  });

  it('refuses more than 100,000 requests, and changes none', async () => {
    const [account] = await sql<{ id: string }>(daybook, `SELECT id FROM accounts WHERE name = 'acme'`);
    await sql(
      daybook,
      `INSERT INTO requests (id, account_id, mode, status, report, format, input_payload)
        SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, $1, 'sync', 'FAILED', 'digest', 'csv', '{}'
        FROM generate_series(1, 100001) n`,
      [account!.id],
    );
    for (const dry_run of [true, false]) {
      const reply = await bulk(acme, { action: 'delete', filter: { status: 'FAILED' }, dry_run });
      expectProblem(reply, 422);
      expect(reply.json).toMatchObject({ type: 'urn:daybook:problem:bulk-too-large' });
    }
    expect((await bulk(acme, { action: 'cancel', filter: {} })).json).toEqual({ count: 0 });
    expect(await sql(daybook, 'SELECT count(*)::integer AS count FROM requests')).toEqual([{ count: 100_001 }]);
  });
});

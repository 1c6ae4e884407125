/**
 * A request is found by its id until it is deleted, the list has every request exactly once, and deleting a request
 * deletes its file and callback logs. Unfinished requests and requests with a callback due are never deleted.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { holdLane, releaseLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { REQUEST_TABLES } from '../support/tables.js';

const UUID = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let daybook: Daybook;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  // The second attempt follows at once, the third after the end of this file.
  const CALLBACK_RETRY_DELAYS = '1ms,1h';
  daybook = await startDaybook({ env: { ...UNLIMITED, CALLBACK_RETRY_DELAYS, SWEEP_INTERVAL: '100ms' } });
  await holdLane(daybook, 'held');
});

beforeEach(async () => {
  await sql(daybook, `TRUNCATE ${REQUEST_TABLES}, idempotency_keys CASCADE`);
  await sql(daybook, 'UPDATE lanes SET pending = 0');
  receiver.answer({ status: 200 });
});

async function accept(body: object): Promise<string> {
  const reply = await post(daybook, '/api/async', { callback_url: null, ...body });
  expect(reply.status).toBe(202);
  return reply.json.request_id;
}

async function generate(body: object): Promise<string> {
  const reply = await post(daybook, '/api/sync', body);
  expect(reply.status).toBe(200);
  return reply.json.request_id;
}

async function detail(id: string) {
  const { status, json } = await get(daybook, `/api/requests/${id}`);
  expect(status).toBe(200);
  return json;
}

async function untilStatus(id: string, status: string): Promise<Reply['json']> {
  await eventually(async () => expect((await detail(id)).status).toBe(status));
  return detail(id);
}

/** A report that fails, because its type is not in the catalogue any more. */
async function fail(): Promise<string> {
  await holdLane(daybook, 'failing');
  const id = await accept({ lane: 'failing' });
  await sql(daybook, `UPDATE requests SET report = 'retired' WHERE id = $1`, [id]);
  await releaseLane(daybook, 'failing');
  await untilStatus(id, 'FAILED');
  return id;
}

const files = () => readdir(join(daybook.dataDir, 'files/results'));

describe('GET /api/requests', () => {
  const list = async (query = '') => (await get(daybook, `/api/requests${query}`)).json;
  const ids = ({ requests }: { requests: { id: string }[] }) => requests.map(({ id }) => id);

  it('lists the newest first, 50 per page by default', async () => {
    const accepted: string[] = [];
    for (let n = 0; n < 51; n++) accepted.unshift(await accept({ lane: 'held' }));
    const page = await list();
    expect(ids(page)).toEqual(accepted.slice(0, 50));
    expect(page.next_cursor).toBe(accepted[49]);
    expect(ids(await list('?limit=200'))).toEqual(accepted);
  });

  it.each([1, 2, 3, 6])('lists every request once, in pages of %d, while others are accepted', async (limit) => {
    const accepted: string[] = [];
    for (let n = 0; n < 6; n++) accepted.unshift(await accept({ lane: 'held' }));
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await list(`?limit=${limit}${cursor}`);
      expect(page.requests).toHaveLength(limit);
      seen.push(...ids(page));
      cursor = page.next_cursor && `&cursor=${page.next_cursor}`;
      await accept({ lane: 'held' });
    } while (cursor);
    expect(seen).toEqual(accepted);
  });

  it('lists the oldest first on request, in pages', async () => {
    const accepted: string[] = [];
    for (let n = 0; n < 5; n++) accepted.push(await accept({ lane: 'held' }));
    const first = await list('?order=oldest&limit=3&lane=held&status=PENDING');
    expect([ids(first), first.next_cursor]).toEqual([accepted.slice(0, 3), accepted[2]]);
    const second = await list(`?order=oldest&limit=3&lane=held&status=PENDING&cursor=${accepted[2]}`);
    expect([ids(second), second.next_cursor]).toEqual([accepted.slice(3), null]);
    expect(ids(await list('?order=newest&limit=1'))).toEqual([accepted[4]]);
  });

  it('filters by mode, status, report, lane and any combination of them', async () => {
    const digest = { input_data: 'x', iterations: 1 };
    const pending = await accept({ lane: 'held' });
    const pendingDigest = await accept({ lane: 'held', ...digest });
    const generated = await generate({ num_transactions: 1 });
    const generatedDigest = await generate(digest);
    const done = await accept({ lane: 'free', ...digest });
    await untilStatus(done, 'COMPLETED');
    const failed = await fail();
    const expected: Record<string, string[]> = {
      '': [failed, done, generatedDigest, generated, pendingDigest, pending],
      'mode=sync': [generatedDigest, generated],
      'mode=async': [failed, done, pendingDigest, pending],
      'status=PENDING': [pendingDigest, pending],
      'status=COMPLETED': [done, generatedDigest, generated],
      'status=FAILED': [failed],
      'status=PROCESSING': [],
      'status=CANCELLED': [],
      'report=digest': [done, generatedDigest, pendingDigest],
      'report=transactions': [generated, pending],
      'report=nothing': [],
      'lane=held': [pendingDigest, pending],
      'lane=free': [done],
      'lane=HELD': [],
      'mode=async&report=digest': [done, pendingDigest],
      'mode=async&status=COMPLETED': [done],
      'mode=sync&lane=held': [],
      'mode=async&status=PENDING&report=digest&lane=held': [pendingDigest],
      'report=digest&limit=2': [done, generatedDigest],
      [`report=digest&limit=2&cursor=${generatedDigest}`]: [pendingDigest],
      [`status=COMPLETED&cursor=${failed}`]: [done, generatedDigest, generated],
      [`cursor=${pending}`]: [],
    };
    for (const [query, wanted] of Object.entries(expected))
      expect([query, ...ids(await list(`?${query}`))]).toEqual([query, ...wanted]);
  });

  it('filters by the time of creation, half-open, in any offset', async () => {
    const all: { id: string; created_at: string }[] = [];
    for (let n = 0; n < 3; n++) all.push(await detail(await accept({ lane: 'held' })));
    const [oldest, middle, newest] = all.map(({ id }) => id);
    // Times that differ, and whose ids were given up to seconds before.
    for (const [n, { id }] of all.entries())
      await sql(daybook, `UPDATE requests SET created_at = created_at + $2 * interval '1 second' WHERE id = $1`, [
        id,
        n,
      ]);
    const at = (await detail(middle!)).created_at;
    const offset = `${new Date(Date.parse(at) + 5.75 * 3_600_000).toISOString().slice(0, -1)}%2B05:45`;
    const expected: Record<string, (string | undefined)[]> = {
      [`created_from=${at}`]: [newest, middle],
      [`created_to=${at}`]: [oldest],
      [`created_from=${offset}`]: [newest, middle],
      [`created_from=${at}&created_to=${at}`]: [],
      [`created_from=${at}&limit=1`]: [newest],
      [`created_from=${at}&cursor=${newest}`]: [middle],
      [`created_from=${at}&lane=held&status=PENDING`]: [newest, middle],
      'created_from=0001-01-01T00:00:00Z&created_to=9999-12-31T23:59:59Z': [newest, middle, oldest],
      'created_to=1970-01-01T00:00:00Z': [],
      'created_from=2999-01-01T00:00:00Z': [],
    };
    for (const [query, wanted] of Object.entries(expected))
      expect([query, ...ids(await list(`?${query}`))]).toEqual([query, ...wanted]);
  });

  it('searches ids, and parts of report names and callback URLs in any case', async () => {
    const url = `${receiver.url}/Orders/50%25_done?Token=A`;
    const called = await accept({ lane: 'held', callback_url: url });
    const other = await accept({ lane: 'held', callback_url: `${receiver.url}/orders/500done` });
    const digest = await accept({ lane: 'held', input_data: 'x', iterations: 1 });
    const named = await accept({ lane: 'held', callback_url: `${receiver.url}/digest/${digest}` });
    const expected: Record<string, string[]> = {
      [called]: [called],
      [called.toUpperCase()]: [called],
      [digest]: [digest],
      [called.slice(24)]: [],
      DIGest: [named, digest],
      transact: [named, other, called],
      'orders/50': [other, called],
      '/ORDERS/': [other, called],
      '50%_d': [],
      '%25_done': [called],
      'token=a': [called],
      [receiver.url]: [named, other, called],
      nowhere: [],
      '%': [called],
      '\\': [],
    };
    for (const [q, wanted] of Object.entries(expected))
      expect([q, ...ids(await list(`?q=${encodeURIComponent(q)}`))]).toEqual([q, ...wanted]);
    expect(ids(await list('?q=digest&report=transactions'))).toEqual([named]);
    expect(ids(await list(`?q=${digest}&report=transactions`))).toEqual([named]);
    expect(ids(await list('?q=digest&mode=sync'))).toEqual([]);
    const first = await list('?q=digest&limit=1');
    expect([ids(first), first.next_cursor]).toEqual([[named], named]);
    const second = await list(`?q=digest&limit=1&cursor=${named}`);
    expect([ids(second), second.next_cursor]).toEqual([[digest], null]);
  });

  it.each([
    ['q=', 'q'],
    ['q=%20', 'q'],
    [`q=${'x'.repeat(2_049)}`, 'q'],
    ['created_from=yesterday', 'created_from'],
    ['created_to=2026-02-30T00:00:00Z', 'created_to'],
    ['created=2026-02-03T00:00:00Z', ''],
    ['order=position', 'order'],
  ])('refuses %.60s', async (query, path) => {
    const reply = await get(daybook, `/api/requests?${query}`);
    expectProblem(reply, 422);
    expect(reply.json.errors[0].path).toBe(path);
  });

  it('shows each request as its detail does, without jobs_ahead and delivery_trace', async () => {
    await generate({ num_transactions: 1 });
    const { requests } = await list();
    const { jobs_ahead: _, delivery_trace: __, ...shown } = await detail(requests[0].id);
    expect(requests[0]).toEqual(shown);
  });
});

describe('GET /api/requests/{id}', () => {
  const FIELDS = `id mode status report lane input_payload result_payload error callback_url callback_status
    callback_error callback_next_attempt_at callback_attempts idempotency_key queue_position jobs_ahead created_at started_at completed_at delivery_trace`;

  it('has the fields of the contract and no others, in every state', async () => {
    for (const id of [await accept({ lane: 'held' }), await generate({}), await fail()]) {
      expect(Object.keys(await detail(id)).toSorted()).toEqual(FIELDS.split(/\s+/).toSorted());
    }
  });

  it('shows the parameters of a pending request, with defaults, and its position', async () => {
    const key = { 'Idempotency-Key': 'k 1' };
    const body = { callback_url: `${receiver.url}/done`, lane: 'held', report_name: 'Q1', num_transactions: 7 };
    const { json: acknowledged } = await post(daybook, '/api/async', body, key);
    expect(await detail(acknowledged.request_id)).toEqual({
      id: UUID,
      mode: 'async',
      status: 'PENDING',
      report: 'transactions',
      lane: 'held',
      input_payload: { num_transactions: 7, report_name: 'Q1', as_of: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) },
      result_payload: null,
      error: null,
      callback_url: `${receiver.url}/done`,
      callback_status: 'PENDING',
      callback_error: null,
      callback_next_attempt_at: null,
      callback_attempts: 0,
      idempotency_key: 'k 1',
      queue_position: acknowledged.queue_position,
      jobs_ahead: 0,
      created_at: TIME,
      started_at: null,
      completed_at: null,
      delivery_trace: [],
    });
  });

  it('shows a sync request with the result of its response', async () => {
    const { json: answer } = await post(daybook, '/api/sync', { input_data: 'hello', iterations: 1 });
    const { request_id, mode, status, ...result } = answer;
    expect({ mode, status }).toEqual({ mode: 'sync', status: 'completed' });
    const shown = await detail(request_id);
    expect(shown).toMatchObject({ mode: 'sync', status: 'COMPLETED', lane: null, queue_position: null });
    expect(shown).toMatchObject({ jobs_ahead: null, callback_url: null, callback_status: null, error: null });
    expect(shown.result_payload).toEqual(result);
    expect(shown.result_payload.result).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    const { created_at, started_at, completed_at } = shown;
    expect([created_at, started_at, completed_at]).toEqual([TIME, TIME, TIME]);
    expect(created_at <= started_at && started_at <= completed_at).toBe(true);
  });

  it('shows why a request failed, without internals', async () => {
    expect(await detail(await fail())).toMatchObject({
      result_payload: null,
      error: 'The report type "retired" no longer exists',
      completed_at: TIME,
    });
  });

  it('counts the jobs ahead, and is null once the request is finished', async () => {
    await holdLane(daybook, 'line');
    const line: string[] = [];
    for (let n = 0; n < 4; n++) line.push(await accept({ lane: 'line' }));
    await accept({ lane: 'held' });
    const ahead = () => Promise.all(line.map(async (id) => (await detail(id)).jobs_ahead));
    expect(await ahead()).toEqual([0, 1, 2, 3]);
    expect((await post(daybook, `/api/requests/${line[1]}/cancel`, undefined)).status).toBe(200);
    expect(await ahead()).toEqual([0, null, 1, 2]);
    // A deleted request keeps its position.
    expect((await send(daybook, 'DELETE', `/api/requests/${line[1]}`)).status).toBe(200);
    line.splice(1, 1);
    expect(await ahead()).toEqual([0, 1, 2]);
    await releaseLane(daybook, 'line');
    await eventually(async () => expect(await ahead()).toEqual([null, null, null]));
  });

  it('has every attempt in its trace and in the callback logs', async () => {
    receiver.answer({ status: 503 }, { status: 204 });
    const id = await accept({ callback_url: `${receiver.url}/hook?x=1` });
    await eventually(async () => (await detail(id)).callback_status === 'SUCCESS');
    const { callback_attempts, delivery_trace } = await detail(id);
    expect(callback_attempts).toBe(2);
    const attempt = { response_time_ms: expect.any(Number), attempted_at: TIME };
    const first = { attempt_number: 1, status_code: 503, success: false, error_message: 'The receiver answered 503' };
    const second = { attempt_number: 2, status_code: 204, success: true, error_message: null };
    const logs = [
      { ...first, ...attempt },
      { ...second, ...attempt },
    ];
    const sent = { url: `${receiver.url}/hook?x=1`, dialled_address: '127.0.0.1' };
    expect(delivery_trace).toMatchObject([
      { ...logs[0], ...sent, trigger: 'first', error_kind: 'status', next_attempt_at: TIME },
      { ...logs[1], ...sent, trigger: 'retry', error_kind: null, next_attempt_at: null },
    ]);
    const { json } = await get(daybook, `/api/requests/${id}/callback-logs`);
    const none = { callback_error: null, callback_next_attempt_at: null };
    expect(json).toEqual({ request_id: id, ...none, total_attempts: 2, logs });
  });

  it('shows the newest 200 attempts, oldest first, and counts all of them', async () => {
    const id = await generate({});
    const log = `INSERT INTO callback_logs (request_id, attempt_number, url, success, response_time_ms, attempted_at)
      SELECT $1, n, 'http://a.test/', true, 1, now() FROM generate_series(1, 250) n ORDER BY random()`;
    await sql(daybook, log, [id]);
    const { json } = await get(daybook, `/api/requests/${id}/callback-logs`);
    expect(json.total_attempts).toBe(250);
    const newest = Array.from({ length: 200 }, (_, index) => index + 51);
    for (const shown of [(await detail(id)).delivery_trace, json.logs])
      expect(shown.map(({ attempt_number }: { attempt_number: number }) => attempt_number)).toEqual(newest);
  });

  it('has empty callback logs without a callback', async () => {
    const id = await generate({});
    expect((await get(daybook, `/api/requests/${id}/callback-logs`)).json).toEqual({
      request_id: id,
      callback_error: null,
      callback_next_attempt_at: null,
      total_attempts: 0,
      logs: [],
    });
  });
});

describe('DELETE', () => {
  const remove = (id = '') => send(daybook, 'DELETE', `/api/requests${id && `/${id}`}`);
  const left = () =>
    sql(
      daybook,
      `SELECT (SELECT count(*)::int FROM callback_deliveries) AS deliveries, count(*)::int AS logs FROM callback_logs`,
    );

  /** A request whose callback has failed twice and is due for another hour. */
  async function withCallbackDue(): Promise<string> {
    receiver.answer({ status: 500 });
    const id = await accept({ callback_url: receiver.url });
    await eventually(async () => (await detail(id)).callback_attempts === 2);
    return id;
  }

  it('of a request deletes its file and callback logs, and is 404 the second time', async () => {
    const before = await files();
    const kept = await generate({ num_transactions: 1 });
    const id = await accept({ callback_url: receiver.url });
    await eventually(async () => (await detail(id)).callback_status === 'SUCCESS');
    const { download_url } = (await detail(id)).result_payload;
    expect(await files()).toHaveLength(before.length + 2);

    const reply = await remove(id);
    expect([reply.status, reply.json]).toEqual([200, { deleted: true, id }]);
    for (const path of [download_url, `/api/requests/${id}`, `/api/requests/${id}/callback-logs`])
      expectProblem(await get(daybook, path), 404);
    expectProblem(await remove(id), 404);
    expect(await files()).toHaveLength(before.length + 1);
    expect(await left()).toEqual([{ deliveries: 0, logs: 0 }]);
    expect((await detail(kept)).status).toBe('COMPLETED');
  });

  it('of an unfinished request, or one with a callback due, is 409 and deletes nothing', async () => {
    for (const id of [await accept({ lane: 'held' }), await withCallbackDue()]) {
      const before = await detail(id);
      const reply = await remove(id);
      expectProblem(reply, 409);
      expect(reply.json.type).toBe('urn:daybook:problem:request-unfinished');
      expect(await detail(id)).toEqual(before);
    }
  });

  it('of all leaves unfinished requests and those with a callback due', async () => {
    const { length: before } = await files();
    const unfinished = [await accept({ lane: 'held' }), await withCallbackDue()];
    const finished = [await generate({}), await generate({ input_data: 'x', iterations: 1 }), await fail()];
    expect((await remove()).json).toEqual({ deleted: true, count: finished.length });
    const { requests } = (await get(daybook, '/api/requests')).json;
    expect(requests.map(({ id }: { id: string }) => id).toSorted()).toEqual(unfinished.toSorted());
    expect(await files()).toHaveLength(before + 1);
    expect((await remove()).json).toEqual({ deleted: true, count: 0 });
  });
});

/**
 * The files of an account and the estimates of its unfinished requests stay within `MAX_STORAGE_ACCOUNT`: a request
 * that would exceed it gets 507 and writes nothing, a file that exceeds it fails its request, and no other account
 * notices.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

/** A report of 10,000 rows is estimated at 720,512 bytes and has about 680,000. */
const ROWS = 10_000;
const ESTIMATE = 720_512;
const env = { ...UNLIMITED, AUTH: 'required', MAX_STORAGE_ACCOUNT: '2mb', SWEEP_INTERVAL: '100ms' };

let daybook: Daybook;
let hostile: TestKey;
let other: TestKey;
const call = ({ headers }: TestKey, lane: string, rows = ROWS, more: Record<string, string> = {}) =>
  post(daybook, '/api/async', { num_transactions: rows, lane, callback_url: null }, { ...headers, ...more });
const pause = ({ headers }: TestKey, lane: string, action = 'pause') =>
  post(daybook, `/api/lanes/${lane}/${action}`, undefined, headers);

function expectNoRoom(reply: Reply): void {
  expectProblem(reply, 507);
  expect(reply.json).toMatchObject({
    type: 'urn:daybook:problem:storage-quota-exceeded',
    title: 'Insufficient Storage',
    detail: expect.stringMatching(/^The account may store 2097152 bytes of report files\. It stores \d+, /),
  });
}

async function statusOf(by: TestKey, id: string, status: string): Promise<{ error: string | null }> {
  return eventually(async () => {
    const { json } = await get(daybook, `/api/requests/${id}`, by.headers);
    return json.status === status && json;
  });
}

beforeAll(async () => {
  daybook = await startDaybook({ env });
  const scopes = ['reports:read', 'reports:write'] as const;
  hostile = await createKey(daybook, [...scopes], { account: 'hostile' });
  other = await createKey(daybook, [...scopes], { account: 'other' });
});

describe('MAX_STORAGE_ACCOUNT', () => {
  it('refuses batches that can never fit, and writes nothing for them', async () => {
    const requests = Array.from({ length: 1_000 }, () => ({ num_transactions: 1_000_000, callback_url: null }));
    for (let n = 0; n < 2; n++) expectNoRoom(await post(daybook, '/api/batch', { requests }, hostile.headers));
    expectNoRoom(await post(daybook, '/api/sync', { num_transactions: 1_000_000 }, hostile.headers));
    expect(await sql(daybook, 'SELECT id FROM requests')).toEqual([]);
    expect(await sql(daybook, 'SELECT key FROM idempotency_keys')).toEqual([]);
  });

  it('counts the estimates of unfinished requests, also of those that come at once', async () => {
    await pause(hostile, 'held');
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, n) => call(hostile, 'held', ROWS, { 'Idempotency-Key': `k${n}` })),
    );
    expect(replies.filter(({ status }) => status === 202)).toHaveLength(2);
    for (const reply of replies.filter(({ status }) => status !== 202)) expectNoRoom(reply);
    const [lane] = await sql<{ reserved: string }>(
      daybook,
      'SELECT reserved_bytes AS reserved FROM lanes WHERE pending > 0',
    );
    expect(Number(lane!.reserved)).toBe(2 * ESTIMATE);
    // Requests of another account and reports without a file are accepted.
    expect((await post(daybook, '/api/sync', { num_transactions: ROWS }, other.headers)).status).toBe(200);
    expect((await post(daybook, '/api/sync', { input_data: 'x' }, hostile.headers)).status).toBe(200);
    // A repeat is answered.
    const kept = replies.findIndex(({ status }) => status === 202);
    const repeat = await call(hostile, 'held', ROWS, { 'Idempotency-Key': `k${kept}` });
    expect([repeat.status, repeat.text]).toEqual([202, replies[kept]!.text]);
  });

  it('is the same in a process that starts later', async () => {
    const second = await startDaybook({ env: { ...env, DATABASE_URL: daybook.databaseUrl } });
    const body = { num_transactions: ROWS, lane: 'held', callback_url: null };
    expectNoRoom(await post(second, '/api/async', body, hostile.headers));
    await second.stop();
  });

  it('counts the real size when a request is finished, and nothing when it is deleted or cancelled', async () => {
    const { json } = await get(daybook, '/api/requests?status=PENDING', hostile.headers);
    const [first, last] = json.requests as { id: string }[];
    expect(
      (await send(daybook, 'POST', `/api/requests/${first!.id}/cancel`, { headers: hostile.headers })).status,
    ).toBe(200);
    await pause(hostile, 'held', 'resume');
    await statusOf(hostile, last!.id, 'COMPLETED');
    // The file has 680,000 bytes: one more fits, two do not.
    await pause(hostile, 'again');
    await eventually(async () => expect((await call(hostile, 'again')).status).toBe(202));
    expectNoRoom(await call(hostile, 'again'));
    expect((await send(daybook, 'DELETE', `/api/requests/${last!.id}`, { headers: hostile.headers })).status).toBe(200);
    await eventually(async () => expect((await call(hostile, 'again')).status).toBe(202));
    await pause(hostile, 'again', 'resume');
  });

  it('fails a request whose file is larger than the remaining quota, and keeps no file', async () => {
    await pause(other, 'late');
    const { request_id } = (await call(other, 'late')).json;
    const { request_id: small } = (await call(other, 'late', 1)).json;
    const [account] = await sql<{ id: string }>(daybook, `SELECT id FROM accounts WHERE name = 'other'`);
    await sql(daybook, 'INSERT INTO account_storage_changes (account_id, bytes) VALUES ($1, 900000)', [account!.id]);
    const files = () => readdirSync(join(daybook.dataDir, 'files/results')).length;
    await eventually(async () =>
      expect((await sql(daybook, `SELECT id FROM requests WHERE status IN ('PENDING', 'PROCESSING')`)).length).toBe(2),
    );
    const before = files();
    // The process has read the new usage of the account.
    await eventually(async () => expect((await call(other, 'late')).json.detail).toMatch(/It stores 1\d{6},/));
    await pause(other, 'late', 'resume');
    const { error } = await statusOf(other, request_id, 'FAILED');
    expect(error).toMatch(
      /^The file is larger than the storage that the account has left \(\d+ bytes, MAX_STORAGE_ACCOUNT\)\. Delete/,
    );
    // The lane continues.
    await statusOf(other, small, 'COMPLETED');
    expect(files()).toBe(before + 1);
    expect(readdirSync(join(daybook.dataDir, 'files/spool'))).toEqual([]);
  });

  it('answers a sync request whose file did not fit with 507, and repeats too', async () => {
    const key = { ...other.headers, 'Idempotency-Key': 'over' };
    const { request_id } = (await post(daybook, '/api/sync', { input_data: 'x' }, key)).json;
    const reason = 'The file is larger than the storage that the account has left (5 bytes, MAX_STORAGE_ACCOUNT).';
    await sql(daybook, `UPDATE requests SET status = 'FAILED', result_payload = NULL, error = $2 WHERE id = $1`, [
      request_id,
      reason,
    ]);
    const reply = await post(daybook, '/api/sync', { input_data: 'x' }, key);
    expectProblem(reply, 507);
    expect(reply.json).toMatchObject({ type: 'urn:daybook:problem:report-over-quota', detail: reason, request_id });
  });
});

it('MAX_STORAGE_ACCOUNT=off lifts the limit, and still lists estimates', async () => {
  const open = await startDaybook({ env: { ...UNLIMITED, MAX_STORAGE_ACCOUNT: 'off' } });
  const requests = Array.from({ length: 1_000 }, () => ({
    num_transactions: 1_000_000,
    lane: 'held',
    callback_url: null,
  }));
  await post(open, '/api/lanes/held/pause', undefined);
  expect((await post(open, '/api/batch', { requests })).status).toBe(202);
  const { report_types } = (await get(open, '/api/report-types')).json;
  const estimates = report_types.map(({ type, estimated_bytes }: Record<string, unknown>) => [type, estimated_bytes]);
  expect(Object.fromEntries(estimates)).toMatchObject({ transactions: 4_112, digest: null });
});

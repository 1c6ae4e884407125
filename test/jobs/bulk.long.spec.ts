/**
 * Cancelling 100,000 requests at once delays no other account, and a call that a crash ends can be repeated: each request is
 * cancelled once, with its callback, and the lane's counters are right.
 */
import { beforeAll, expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const MANY = 100_000;
const BODY = { action: 'cancel', filter: { lane: 'many' } };

let daybook: Daybook;
let many: TestKey;
let other: TestKey;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  many = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'many' });
  other = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'other' });
  await post(daybook, '/api/lanes/many/pause', undefined, many.headers);
  const [account] = await sql<{ id: string }>(daybook, `SELECT id FROM accounts WHERE name = 'many'`);
  const lane = `${account!.id}/many`;
  await sql(
    daybook,
    `INSERT INTO requests (id, account_id, mode, status, report, format, lane, queue_position, estimated_bytes, input_payload, callback_url)
      SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, $1, 'async', 'PENDING', 'digest', 'json', $2, n,
        10, '{}', CASE WHEN n % 10 = 0 THEN 'http://192.0.2.1:9/' END FROM generate_series(1, ${MANY}) n`,
    [account!.id, lane],
  );
  await sql(
    daybook,
    `INSERT INTO lanes (name, next_position, pending, reserved_bytes, paused) VALUES ($1, ${MANY} + 1, ${MANY}, ${10 * MANY}, true)
      ON CONFLICT (name) DO UPDATE SET next_position = excluded.next_position, pending = excluded.pending,
        reserved_bytes = excluded.reserved_bytes`,
    [lane],
  );
}, 120_000);

const cancelled = async (): Promise<number> => {
  const text = `SELECT count(*)::integer AS count FROM requests WHERE status = 'CANCELLED'`;
  return (await sql<{ count: number }>(daybook, text))[0]!.count;
};

it('goes on beside the work of another account, over a crash', async () => {
  const first = post(daybook, '/api/requests/bulk', BODY, many.headers).catch(() => null);
  await eventually(async () => (await cancelled()) > 2_000, { timeoutMs: 120_000 });
  const before = await cancelled();
  const body = { input_data: 'x', iterations: 1, callback_url: null };
  const { json } = await post(daybook, '/api/async', body, other.headers);
  await eventually(async () => {
    const shown = await get(daybook, `/api/requests/${json.request_id}`, other.headers);
    return shown.json.status === 'COMPLETED';
  });
  // It did not wait for the end of the call.
  expect(before).toBeLessThan(MANY);
  expect(await cancelled()).toBeLessThan(MANY);
  daybook.kill('SIGKILL');
  await first;
  await daybook.exited;
  const { databaseUrl, dataDir } = daybook;
  daybook = await startDaybook({
    env: { ...UNLIMITED, AUTH: 'required', DATABASE_URL: databaseUrl, DATA_DIR: dataDir },
  });
  const done = await cancelled();
  expect(done % 500).toBe(0);
  const counted = await post(daybook, '/api/requests/bulk', { ...BODY, dry_run: true }, many.headers);
  expect(counted.json).toEqual({ count: MANY - done });
  const second = await post(daybook, '/api/requests/bulk', BODY, many.headers);
  expect(second.json).toEqual({ count: MANY - done });
  expect(await cancelled()).toBe(MANY);
  const lanes = `SELECT pending, reserved_bytes::integer AS reserved FROM lanes WHERE paused`;
  expect(await sql(daybook, lanes)).toEqual([{ pending: 0, reserved: 0 }]);
  expect(await sql(daybook, 'SELECT FROM cancelled_positions')).toEqual([]);
  const callbacks =
    'SELECT count(*)::integer AS count, count(DISTINCT request_id)::integer AS requests FROM callback_deliveries';
  expect(await sql(daybook, callbacks)).toEqual([{ count: MANY / 10, requests: MANY / 10 }]);
}, 400_000);

/** The service overrides the defaults of a role or a database, or refuses to start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { get, post } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { UNLIMITED } from '../support/submit.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** Sets defaults of a database and of the role in it, as an administrator would, before the service connects. */
async function withDefaults(...settings: string[]): Promise<string> {
  const { url } = await createDatabase();
  const owner = new URL(process.env.TEST_DATABASE_URL!);
  const name = new URL(url).pathname.slice(1);
  const client = new Client({ connectionString: owner.href });
  await client.connect();
  for (const setting of settings) {
    await client.query(`ALTER DATABASE ${name} SET ${setting}`);
    await client.query(`ALTER ROLE ${owner.username} IN DATABASE ${name} SET ${setting}`);
  }
  await client.end();
  return url;
}

/** Accepts requests in every way, and expects their reports, their callbacks and every list. */
async function expectRoundTrip(DATABASE_URL: string): Promise<void> {
  const daybook = await startDaybook({ env: { ...UNLIMITED, DATABASE_URL, SWEEP_INTERVAL: '200ms' } });
  const hook = `${daybook.url}/api/callbacks/receive`;
  const body = { num_transactions: 2, callback_url: hook };
  const { json: ack } = await post(daybook, '/api/async', body, { 'Idempotency-Key': 'once' });
  expect((await post(daybook, '/api/async', body, { 'Idempotency-Key': 'once' })).json).toEqual(ack);
  expect((await post(daybook, '/api/sync', { num_transactions: 2 })).status).toBe(200);
  const batch = [body, { ...body, callback_url: null, lane: 'other' }, { input_data: `a\\b'"`, callback_url: null }];
  expect((await post(daybook, '/api/batch', { requests: batch })).status).toBe(202);
  const seen = async () => (await get(daybook, `/api/requests/${ack.request_id}`)).json;
  await eventually(async () => (await seen()).callback_status === 'SUCCESS');
  await eventually(async () =>
    (await get(daybook, '/api/requests')).json.requests.every(
      ({ status }: { status: string }) => status === 'COMPLETED',
    ),
  );
  const { created_at, started_at, completed_at } = await seen();
  for (const time of [created_at, started_at, completed_at]) {
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(600_000);
  }
  const logs = (await get(daybook, `/api/requests/${ack.request_id}/callback-logs`)).json.logs;
  expect(logs).toEqual([expect.objectContaining({ success: true, error_message: null })]);
  const since = new Date(Date.now() - 600_000).toISOString();
  for (const path of ['/api/requests?status=COMPLETED', `/api/callbacks?since=${since}`, '/api/lanes', '/readyz'])
    expect([path, (await get(daybook, path)).status]).toEqual([path, 200]);
  await daybook.stop();
}

/** Runs the service until it exits. */
async function refusal(DATABASE_URL: string): Promise<{ code: number; lines: string[] }> {
  const cwd = await temporaryFolder();
  const env = { PATH: process.env.PATH, DATA_DIR: cwd, DATABASE_URL };
  const child = spawn(process.execPath, [MAIN], { cwd, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, lines: output.trim().split('\n') };
}

describe('a round trip works with the defaults', () => {
  it.each([
    [[`datestyle = 'SQL, DMY'`]],
    [[`datestyle = 'German'`, `timezone = 'America/St_Johns'`, `intervalstyle = 'sql_standard'`]],
    [[`client_encoding = 'LATIN1'`, `bytea_output = 'escape'`, 'extra_float_digits = -15']],
    [['standard_conforming_strings = off', 'backslash_quote = on', 'escape_string_warning = off']],
    [['idle_session_timeout = 500', 'idle_in_transaction_session_timeout = 1000', `lock_timeout = '5s'`]],
    [
      [
        'row_security = off',
        'transform_null_equals = on',
        'quote_all_identifiers = on',
        `plan_cache_mode = 'force_generic_plan'`,
      ],
    ],
    [['search_path = nowhere, public', `lc_messages = 'C'`, `lc_numeric = 'C'`, 'client_min_messages = error']],
    [['jit_above_cost = 0', 'enable_indexscan = off', `xmloption = 'document'`, 'default_transaction_deferrable = on']],
  ])('%j', async (settings) => expectRoundTrip(await withDefaults(...settings)));
});

/** Without a pooler. Poolers do not let clients set these, and then the service refuses to start with a message. */
describe.each([
  ['default_transaction_isolation', 'serializable', 'read committed'],
  ['default_transaction_isolation', 'repeatable read', 'read committed'],
  ['array_nulls', 'off', 'on'],
  ['exit_on_error', 'on', 'off'],
])('the default %s = %j', (name, value, needed) => {
  it('is overridden, or refused where a pooler does not let clients set it', async () => {
    const url = await withDefaults(`${name} = '${value}'`);
    if (!process.env.TEST_POOLED_URL) return expectRoundTrip(url);
    expect((await refusal(url)).lines.at(-1)).toContain(`and Daybook needs '${needed}'`);
  });
});

it.each([
  ['session_replication_role', 'replica', 'origin'],
  ['synchronous_commit', 'off', 'on'],
])('the service exits with one line if %s = %s, which breaks a promise', async (name, value, needed) => {
  const { code, lines } = await refusal(await withDefaults(`${name} = ${value}`));
  expect([code, lines]).toEqual([
    1,
    [expect.stringContaining(`The database has ${name} = '${value}', and Daybook needs '${needed}': ALTER ROLE`)],
  ]);
});

it('the service exits with one line without a schema to create tables in', async () => {
  const { code, lines } = await refusal(await withDefaults('search_path = nowhere'));
  expect([code, lines]).toEqual([1, [expect.stringContaining('no schema has been selected to create in')]]);
});

it('keeps the options of DATABASE_URL', async () => {
  // A PgBouncer refuses options.
  const direct = new URL(process.env.TEST_DATABASE_URL!);
  direct.pathname = new URL((await createDatabase()).url).pathname;
  direct.searchParams.set('options', '-c datestyle=German -c application_name=mine');
  await expectRoundTrip(direct.href);
});

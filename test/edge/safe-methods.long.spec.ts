/** No GET or HEAD changes anything (RFC 9110, section 9.2.1). Web pages of any origin can send them. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

/** Parameters that might trigger a change in some route. */
const QUERY = 'enabled=true&failure_rate=1&paused=true&priority=9&limit=1&confirm=true&action=delete&_method=DELETE';
/** Changed by the service itself: the heartbeat of workers, and when they were measured. */
const LIVE_TABLES = ['workers'];

let daybook: Daybook;
let headers: Record<string, string>;
let paths: string[];
let requestId: string;

async function begin(AUTH: 'open' | 'required'): Promise<void> {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH } });
  headers = AUTH === 'open' ? {} : (await createKey(daybook, ['admin'])).headers;
  const program = fileURLToPath(new URL('../support/routes.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  paths = (JSON.parse(stdout) as string[])
    .filter((route) => route.startsWith('GET '))
    // Streams of events do not end.
    .filter((route) => !route.endsWith('/events'))
    .map((route) => route.slice('GET '.length));
  // Without a callback, the account of the key has not used its callback secret yet.
  const callback_url = AUTH === 'open' ? `${daybook.url}/api/callbacks/receive` : null;
  const body = { input_data: 'x', iterations: 1, callback_url };
  requestId = (await post(daybook, '/api/async', body, headers)).json.request_id;
  await eventually(async () => {
    const { json } = await get(daybook, `/api/requests/${requestId}`, headers);
    return json.status === 'COMPLETED' && json.callback_status !== 'PENDING';
  });
}

/** Every row of every table, as text. */
async function snapshot(): Promise<Record<string, unknown>> {
  const tables = await sql<{ name: string }>(
    daybook,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  const contents: Record<string, unknown> = {};
  for (const { name } of tables) {
    if (LIVE_TABLES.includes(name)) continue;
    contents[name] = await sql(daybook, `SELECT t::text AS row FROM "${name}" t ORDER BY 1`);
  }
  return contents;
}

/** The state of the demo receiver. With `AUTH=required` there is none. */
const state = async () => [
  (await get(daybook, '/api/callbacks/simulate-failures', headers)).json.enabled,
  (await get(daybook, '/api/callbacks/history', headers)).json.callbacks,
];

describe.each(['open', 'required'] as const)('with AUTH=%s', (AUTH) => {
  beforeAll(() => begin(AUTH));

  it.each(['GET', 'HEAD'])('no %s changes a table, or the state of the demo receiver', async (method) => {
    expect(paths.length).toBeGreaterThan(15);
    const before = [await snapshot(), await state()];
    expect(Object.keys(before[0]!).length).toBeGreaterThan(10);
    for (const path of paths) {
      const filled = path.replaceAll('{id}', requestId).replaceAll(/\{\w+\}/g, 'default');
      await send(daybook, method, filled, { headers });
      for (const pair of QUERY.split('&')) await send(daybook, method, `${filled}?${pair}`, { headers });
      await send(daybook, method, `${filled}?${QUERY}`, { headers });
    }
    expect([await snapshot(), await state()]).toEqual(before);
  });
});

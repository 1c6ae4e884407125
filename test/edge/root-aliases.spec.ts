/** Promise: `/sync`, `/async`, `/requests` and `/requests/{id}` are aliases of the same paths under `/api`. */
import { beforeAll, expect, it } from '@jest/globals';
import { get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';

const BODY = { input_data: 'x', iterations: 1, callback_url: null };
let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { RATE_LIMIT_SYNC: '4/60s' } });
});

it.each(['sync', 'async'])('/%s shares idempotency keys with /api', async (mode) => {
  const headers = { 'Idempotency-Key': `root-${mode}` };
  const first = await post(daybook, `/${mode}`, BODY, headers);
  expect(first.status).toBe(mode === 'sync' ? 200 : 202);
  const repeat = await post(daybook, `/api/${mode}`, BODY, headers);
  expect([repeat.status, repeat.text]).toEqual([first.status, first.text]);
  expect(repeat.headers.get('idempotency-replayed')).toBe('true');
});

it('/sync shares the rate limit and the headers of /api', async () => {
  const statuses: number[] = [];
  for (let count = 0; count < 4; count++) statuses.push((await post(daybook, '/sync/', BODY)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect((await post(daybook, '/api/sync', BODY)).status).toBe(429);
  const { headers } = await post(daybook, '/sync', BODY);
  expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
});

it('/requests lists, shows and deletes requests', async () => {
  const { request_id: id } = (await post(daybook, '/async', BODY)).json;
  await eventually(async () => (await get(daybook, `/requests/${id}`)).json.status === 'COMPLETED');
  expect((await get(daybook, `/requests/${id}`)).json).toEqual((await get(daybook, `/api/requests/${id}`)).json);
  expect((await get(daybook, '/requests?limit=1')).json.requests).toEqual([expect.objectContaining({ id })]);
  expect((await send(daybook, 'DELETE', `/requests/${id}`)).status).toBe(200);
  expect((await get(daybook, `/requests/${id}`)).status).toBe(404);
});

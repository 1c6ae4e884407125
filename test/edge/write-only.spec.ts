/** A key with only `reports:write` cannot read data of requests, lanes and callbacks from the responses to writes. */
import { beforeAll, expect, it } from '@jest/globals';
import { get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { startReceiver } from '../support/receiver.js';
import { UNLIMITED } from '../support/submit.js';

/** Text of another key of the account: of a payload, a callback URL and a result. */
const PRIVATE = 'private-text';

let daybook: Daybook;
let full: TestKey;
let writer: TestKey;
let callbackUrl: string;
beforeAll(async () => {
  // No sweep ends a redelivery before it is cancelled.
  const env = { ...UNLIMITED, AUTH: 'required', CALLBACK_RETRY_DELAYS: '', SWEEP_INTERVAL: '1m' };
  daybook = await startDaybook({ env });
  full = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'acme' });
  writer = await createKey(daybook, ['reports:write'], { account: 'acme' });
  const receiver = await startReceiver();
  receiver.answer({ status: 400 });
  callbackUrl = `${receiver.url}/${PRIVATE}`;
});

/** Requests a report with the other key. @returns Its id. */
async function requested(lane: string): Promise<string> {
  const body = { num_transactions: 1, report_name: PRIVATE, lane, callback_url: callbackUrl };
  return (await post(daybook, '/api/async', body, full.headers)).json.request_id;
}

async function finished(lane: string): Promise<string> {
  const id = await requested(lane);
  await eventually(
    async () => (await get(daybook, `/api/requests/${id}`, full.headers)).json.callback_status === 'FAILED',
  );
  return id;
}

const pause = (lane: string) => post(daybook, `/api/lanes/${lane}/pause`, undefined, full.headers);

/** The routes that need `reports:write` and change what exists: a request that shows them, and the whole answer. */
const WRITES: Record<string, () => Promise<{ path: string; body?: object; answer: object }>> = {
  'POST /api/requests/{id}/cancel': async () => {
    await pause('cancelled');
    const id = await requested('cancelled');
    return { path: `/api/requests/${id}/cancel`, answer: { id, status: 'CANCELLED' } };
  },
  'DELETE /api/requests/{id}': async () => {
    const id = await finished('deleted');
    return { path: `/api/requests/${id}`, answer: { deleted: true, id } };
  },
  'DELETE /api/requests': async () => ({
    path: '/api/requests',
    answer: { deleted: true, count: expect.any(Number) },
  }),
  'POST /api/requests/bulk': async () => ({
    path: '/api/requests/bulk',
    body: { action: 'delete', filter: {} },
    answer: { count: expect.any(Number) },
  }),
  'POST /api/requests/{id}/redeliver': async () => {
    const request_id = await finished('redelivered');
    const message = expect.any(String);
    return {
      path: `/api/requests/${request_id}/redeliver`,
      answer: { request_id, callback_status: 'PENDING', message },
    };
  },
  'POST /api/lanes/{lane}/pause': async () => {
    await requested('busy');
    return { path: '/api/lanes/busy/pause', answer: { lane: 'busy', paused: true } };
  },
  'POST /api/lanes/{lane}/resume': async () => ({
    path: '/api/lanes/busy/resume',
    answer: { lane: 'busy', paused: false },
  }),
  'POST /api/callbacks/redeliver': async () => {
    const answer = {
      id: expect.any(String),
      status: 'running',
      filter: { status: 'FAILED', destination: null, since: null, until: expect.any(String) },
      matched: expect.any(Number),
      redelivered: 0,
      created_at: expect.any(String),
      finished_at: null,
    };
    return { path: '/api/callbacks/redeliver', body: { status: 'FAILED' }, answer };
  },
  'POST /api/callbacks/redeliveries/{id}/cancel': async () => {
    const destination = new URL(callbackUrl).origin;
    const { id } = (await post(daybook, '/api/callbacks/redeliver', { destination }, full.headers)).json;
    return { path: `/api/callbacks/redeliveries/${id}/cancel`, answer: { id, status: 'cancelled' } };
  },
};
/** Those whose answer is about what the caller sent, or its account's own secrets. */
const OTHERS = ['POST /api/callbacks/test', 'POST /api/callback-secrets/rotate'];

it('covers each route that needs reports:write and changes requests, lanes or callbacks', async () => {
  const { paths } = (await get(daybook, '/openapi.json')).json as {
    paths: Record<string, Record<string, { security?: Record<string, string[]>[] }>>;
  };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, { security }]) => method !== 'get' && JSON.stringify(security ?? []).includes('reports:write'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  const covered = routes.filter((route) => / \/api\/(requests|lanes|callbacks|callback-secrets)\b/.test(route));
  expect(covered.toSorted()).toEqual([...Object.keys(WRITES), ...OTHERS].toSorted());
});

it.each(Object.entries(WRITES))('%s returns only the written data', async (route, prepare) => {
  const { path, body, answer } = await prepare();
  const reply = await send(daybook, route.split(' ')[0]!, path, { body, headers: writer.headers });
  expect([200, 202]).toContain(reply.status);
  expect(reply.json).toEqual(answer);
  expect(reply.text).not.toContain(PRIVATE);
});

/**
 * Requests with one key are executed once, under any concurrency. A repeat gets the first response
 * again and costs no quota; a rejected request leaves its key free.
 */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { holdLane, releaseLane, sql, whileNothingFinishes } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import {
  QUICK,
  REPLAYED,
  asyncBody,
  essence,
  expectFresh,
  expectReplayOf,
  idsOf,
  keyed,
  olderKeyed,
  remaining,
} from './idempotency-fixture.js';

const SYNC_MAX_PENDING = 8;

let daybook: Daybook;
beforeAll(async () => {
  const settings = {
    MAX_PENDING: '1',
    DATABASE_POOL: '20',
    SYNC_MAX_PENDING: String(SYNC_MAX_PENDING),
    SWEEP_INTERVAL: '100ms',
    RATE_LIMIT_ASYNC: '5000/7d', // One request every two minutes, so a used quota stays used during this file.
  };
  daybook = await startDaybook({ env: { ...UNLIMITED, ...settings } });
});

const postSync = (body: object, headers: Record<string, string> = {}) => post(daybook, '/api/sync', body, headers);
const postAsync = (body: object, headers: Record<string, string> = {}) => post(daybook, '/api/async', body, headers);

async function detail(id: string) {
  return (await get(daybook, `/api/requests/${id}`)).json;
}

const untilDone = (id: string) => eventually(async () => (await detail(id)).status === 'COMPLETED');

const idsUnder = (key: string) => idsOf(daybook, key);

async function isFree(key: string): Promise<boolean> {
  return (await sql(daybook, 'SELECT 1 FROM idempotency_keys WHERE key = $1', [key])).length === 0;
}

describe('a repeat under Idempotency-Key', () => {
  it.each([
    ['sync', 200],
    ['async', 202],
  ])('on /api/%s gets the first response again, byte for byte', async (mode, status) => {
    const [key, body] = [randomUUID(), mode === 'sync' ? QUICK : asyncBody()];
    const send = (text: string) => post(daybook, `/api/${mode}`, body, keyed(text));
    const first = await send(key);
    expect(first.status).toBe(status);
    expect(first.headers.get('location')).toBe(mode === 'sync' ? null : `/api/requests/${first.json.request_id}`);
    expectReplayOf(first, await send(key));
    await untilDone(first.json.request_id);
    expectReplayOf(first, await send(key));
    expectReplayOf(first, await send(`"${key}"`));
    expect(await idsUnder(key)).toEqual([first.json.request_id]);
  });

  it('on /api/batch gets the first response again, without a Location', async () => {
    const [key, body] = [randomUUID(), { requests: [asyncBody(), asyncBody()] }];
    const first = await post(daybook, '/api/batch', body, keyed(key));
    expect([first.status, first.headers.get('location')]).toEqual([202, null]);
    expectReplayOf(first, await post(daybook, '/api/batch', body, keyed(key)));
  });

  it('may be quoted or bare, up to 255 characters; quoted keys are unescaped', async () => {
    const key = `say "${randomUUID()}" \\ `;
    const first = await postSync(QUICK, keyed(`"${key.replaceAll(/["\\]/g, '\\$&')}"`));
    expectFresh(first, 200);
    expect((await detail(first.json.request_id)).idempotency_key).toBe(key);
    const longest = randomUUID().padEnd(255, '~');
    expectReplayOf(await postSync(QUICK, keyed(`"${longest}"`)), await postSync(QUICK, keyed(longest)));
  });

  it('ignores the order of fields and white space', async () => {
    const key = randomUUID();
    const first = await post(
      daybook,
      '/api/sync',
      '{"payload":{"input_data":"é","iterations":1},"lane":"a"}',
      keyed(key),
    );
    expectFresh(first, 200);
    const body = '{ "lane": "\\u0061", "payload": { "iterations": 1.0, "input_data": "\\u00e9" } }';
    expectReplayOf(first, await post(daybook, '/api/sync', body, keyed(key)));
  });

  it('with another body is 422 and has no effect', async () => {
    const [key, body] = [randomUUID(), asyncBody()];
    const first = await postAsync(body, keyed(key));
    for (const other of [
      { ...body, iterations: 2 },
      { ...body, format: 'json' },
      { ...body, lane: 'other' },
    ]) {
      const reply = await postAsync(other, keyed(key));
      expectProblem(reply, 422, '/api/async');
      expect(reply.json.type).toBe('urn:daybook:problem:idempotency-key-reused');
    }
    expectReplayOf(first, await postAsync(body, keyed(key)));
    expect(await idsUnder(key)).toHaveLength(1);
  });

  it('on another path is a new request', async () => {
    const [key, body] = [randomUUID(), asyncBody()];
    expectFresh(await postAsync(body, keyed(key)), 202);
    expectFresh(await postSync(body, keyed(key)), 200);
    expect(await idsUnder(key)).toHaveLength(2);
  });

  it('is a new request after the first was deleted', async () => {
    const key = randomUUID();
    const { request_id } = (await postSync(QUICK, keyed(key))).json;
    await fetch(`${daybook.url}/api/requests/${request_id}`, { method: 'DELETE' });
    const again = await postSync(QUICK, keyed(key));
    expectFresh(again, 200);
    expect(await idsUnder(key)).toEqual([again.json.request_id]);
  });

  it('costs no quota', async () => {
    const [key, body] = [randomUUID(), asyncBody()];
    const before = remaining(await postAsync(body, keyed(key)));
    for (let n = 0; n < 5; n++) expect((await postAsync(body, keyed(key))).status).toBe(202);
    for (let n = 0; n < 5; n++) expect((await postAsync(body, olderKeyed(key))).status).toBe(200);
    expect(remaining(await postAsync(asyncBody()))).toBe(before - 1);
  });
});

describe('a repeat under X-Idempotency-Key', () => {
  it('of a sync request is marked as a duplicate, with the result', async () => {
    const key = randomUUID();
    const { request_id, mode: _, status: __, ...result } = (await postSync(QUICK, olderKeyed(key))).json;
    const repeat = await postSync(QUICK, olderKeyed(key));
    expect([repeat.status, repeat.headers.get(REPLAYED)]).toEqual([200, 'true']);
    const message = expect.stringMatching(/./);
    expect(repeat.json).toEqual({ status: 'duplicate', message, request_id, original_result: result });
  });

  it('of an async request is marked as a duplicate, with the result once it exists', async () => {
    const [key, body] = [randomUUID(), asyncBody()];
    await holdLane(daybook, body.lane);
    const { request_id } = (await postAsync(body, olderKeyed(key))).json;
    expect(await postAsync(body, olderKeyed(key))).toMatchObject({
      status: 200,
      json: { status: 'duplicate', request_id, original_result: null },
    });
    await releaseLane(daybook, body.lane);
    await untilDone(request_id);
    const { json } = await postAsync(body, olderKeyed(key));
    expect(json.original_result).toEqual((await detail(request_id)).result_payload);
  });

  it('shares its key with the other header', async () => {
    const key = randomUUID();
    const first = await postSync(QUICK, olderKeyed(`"${key}"`));
    expectReplayOf(first, await postSync(QUICK, keyed(key)));
    expectProblem(await postSync({ ...QUICK, iterations: 2 }, olderKeyed(key)), 422);
  });
});

describe('a key is free after its request was rejected with', () => {
  it.each([
    ['422', { lane: '' }],
    ['422 in its report', { iterations: 0 }],
    ['400', { callback_url: 'http://10.0.0.1/' }],
  ])('%s', async (status, wrong) => {
    const key = randomUUID();
    expectProblem(await postAsync(asyncBody(wrong), keyed(key)), Number.parseInt(status, 10));
    expect(await isFree(key)).toBe(true);
    expectFresh(await postAsync(asyncBody(), keyed(key)), 202);
  });

  it('503 because of a full lane, also with concurrent requests', async () => {
    const [key, body] = [randomUUID(), asyncBody()];
    await holdLane(daybook, body.lane);
    expectFresh(await postAsync(body), 202);
    const full = await postAsync(body, keyed(key));
    expectProblem(full, 503);
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await isFree(key)).toBe(true);

    const replies = await Promise.all(Array.from({ length: 100 }, () => postAsync(body, keyed(key))));
    for (const reply of replies) {
      expectProblem(reply, reply.status === 409 ? 409 : 503);
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
    expect(await isFree(key)).toBe(true);
    await releaseLane(daybook, body.lane);
    const accepted = await eventually(async () => {
      const reply = await postAsync(body, keyed(key));
      return reply.status === 202 && reply;
    });
    expectFresh(accepted, 202);
    expect(accepted.json.queue_position).toBe(2);
  });

  it('503 because of too many sync requests; a repeat still gets its response', async () => {
    const [key, doneKey] = [randomUUID(), randomUUID()];
    const done = await postSync(QUICK, keyed(doneKey));
    await whileNothingFinishes(daybook, async () => {
      for (let n = 0; n < SYNC_MAX_PENDING; n++) await postSync(QUICK, { Prefer: 'respond-async' });
      const busy = await postSync(QUICK, keyed(key));
      expectProblem(busy, 503);
      expect(Number(busy.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expectReplayOf(done, await postSync(QUICK, keyed(doneKey)));
    });
    expect(await isFree(key)).toBe(true);
    const accepted = await eventually(async () => {
      const reply = await postSync(QUICK, keyed(key));
      return reply.status === 200 && reply;
    });
    expectFresh(accepted, 200);
  });
});

describe('at the same time', () => {
  it('a repeat of a running sync request is 409, and later gets the response', async () => {
    const key = randomUUID();
    const running = await whileNothingFinishes(daybook, async () => {
      const first = postSync(QUICK, keyed(key));
      await eventually(async () => (await idsUnder(key)).length === 1);
      const early = await postSync(QUICK, keyed(key));
      expectProblem(early, 409, '/api/sync');
      expect(early.json.type).toBe('urn:daybook:problem:idempotency-key-in-progress');
      expect(Number(early.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expectProblem(await postSync(QUICK, olderKeyed(key)), 409);
      expectProblem(await postSync({ ...QUICK, iterations: 2 }, keyed(key)), 422);
      return { first };
    });
    const first = await running.first;
    expectFresh(first, 200);
    expectReplayOf(first, await postSync(QUICK, keyed(key)));
  });

  it('100 async requests with one key are executed once and take one position', async () => {
    const [key, body] = [randomUUID(), asyncBody()];
    const replies = await Promise.all(Array.from({ length: 100 }, () => postAsync(body, keyed(key))));
    expect(new Set(replies.map((reply) => JSON.stringify(essence(reply)))).size).toBe(1);
    expect(replies.filter(({ headers }) => headers.get(REPLAYED) === null)).toHaveLength(1);
    expect(await idsUnder(key)).toEqual([replies[0]!.json.request_id]);
    const [lane] = await sql(daybook, 'SELECT next_position::int AS next FROM lanes WHERE name = $1', [body.lane]);
    expect(lane).toEqual({ next: 2 });
  });

  it('100 sync requests with one key are executed once', async () => {
    const key = randomUUID();
    const replies = await Promise.all(Array.from({ length: 100 }, () => postSync(QUICK, keyed(key))));
    const first = replies.find(({ status, headers }) => status === 200 && headers.get(REPLAYED) === null)!;
    for (const reply of replies) {
      if (reply.status === 200) expect(essence(reply)).toEqual(essence(first));
      else expectProblem(reply, reply.status === 503 ? 503 : 409);
    }
    expect(await idsUnder(key)).toEqual([first.json.request_id]);
  });
});

describe('Prefer on /api/sync', () => {
  const applied = ({ headers }: Reply) => headers.get('preference-applied');

  it.each(['respond-async', 'wait=0', 'wait=1'])(
    '%s: 202 and the result later; a repeat is 202 too',
    async (prefer) => {
      const key = randomUUID();
      const first = await whileNothingFinishes(daybook, () => postSync(QUICK, { Prefer: prefer, ...keyed(key) }));
      expectFresh(first, 202);
      const { request_id } = first.json;
      expect(first.json).toEqual({ request_id, mode: 'sync', status: 'processing', message: expect.any(String) });
      expect([applied(first), first.headers.get('location')]).toEqual([prefer, `/api/requests/${request_id}`]);
      expectReplayOf(first, await postSync(QUICK, keyed(key)));
      await untilDone(request_id);
      expect((await detail(request_id)).result_payload).toMatchObject({ iterations: QUICK.iterations });
      expectReplayOf(first, await postSync(QUICK, { Prefer: prefer, ...keyed(key) }));
      expect(await idsUnder(key)).toEqual([request_id]);
    },
  );

  it.each([
    ['wait=5', 'wait=5'],
    ['wait=3600', 'wait=60'],
    ['handling=strict; x=y, WAIT = "7"', 'wait=7'],
    ['return=minimal', null],
    ['wait=soon', null],
  ])('%s: 200 when the report is ready within the wait, applied %s', async (prefer, wanted) => {
    const reply = await postSync(QUICK, { Prefer: prefer });
    expect([reply.status, applied(reply), reply.json.status]).toEqual([200, wanted, 'completed']);
  });
});

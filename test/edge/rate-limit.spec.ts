/**
 * Requests over a rate limit get 429, requests over a backlog limit get 503; both carry `Retry-After`, and a retry
 * after that time succeeds. Monitoring and the demo receiver are exempt.
 */
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { holdLane, releaseLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const QUICK = { input_data: 'x', iterations: 1 };

interface Burst {
  passed: Reply[];
  rejected: Reply[];
}

/** Sends `count` requests at once. */
async function burst(count: number, send: () => Promise<Reply>): Promise<Burst> {
  const replies = await Promise.all(Array.from({ length: count }, send));
  const passed = replies.filter(({ status }) => status < 400);
  const rejected = replies.filter(({ status }) => status >= 400);
  return { passed, rejected };
}

/** Sends requests until the quota is used up; returns the first 429. */
async function untilLimited(send: () => Promise<Reply>): Promise<Reply> {
  return eventually(
    async () => {
      const reply = await send();
      return reply.status === 429 && reply;
    },
    { everyMs: 1 },
  );
}

/** Parses `RateLimit`: the remaining requests, and the seconds until the oldest request leaves the window. */
function quota({ headers }: Reply): { name: string; remaining: number; resetS: number } {
  const [, name, remaining, resetS] = /^"(\w+)";r=(\d+);t=(\d+)$/.exec(headers.get('ratelimit')!)!;
  return { name: name!, remaining: Number(remaining), resetS: Number(resetS) };
}

function expectQuotaExceeded(reply: Reply, name: string, limit: number, windowS: number): void {
  expectProblem(reply, 429);
  expect(reply.json.type).toBe('https://iana.org/assignments/http-problem-types#quota-exceeded');
  expect(reply.json.detail).toContain(`"${name}" of ${limit} requests in ${windowS} s`);
  expect(reply.headers.get('ratelimit-policy')).toBe(`"${name}";q=${limit};w=${windowS}`);
  expect(quota(reply)).toMatchObject({ name, remaining: 0 });
  // The oldest request leaves the window within the window.
  const retryAfterS = Number(reply.headers.get('retry-after'));
  expect(retryAfterS).toBeGreaterThanOrEqual(1);
  expect(retryAfterS).toBeLessThanOrEqual(windowS);
}

/** Exactly the rest of the limit passes: the burst is much shorter than the window. */
function expectLimit({ passed, rejected }: Burst, name: string, limit: number, windowS: number, rest = limit): void {
  expect(passed.length).toBe(rest);
  expect(rejected).not.toHaveLength(0);
  for (const reply of rejected) expectQuotaExceeded(reply, name, limit, windowS);
  for (const reply of passed) expect(reply.headers.get('ratelimit-policy')).toBe(`"${name}";q=${limit};w=${windowS}`);
}

describe('the default limits', () => {
  let daybook: Daybook;
  const accepted = { sync: 0, async: 0 };
  const call = async (mode: 'sync' | 'async') => {
    const reply = await post(daybook, `/api/${mode}`, { ...QUICK, callback_url: null });
    if (reply.status < 400) accepted[mode]++;
    return reply;
  };
  const askOther = () => get(daybook, '/api/report-types');

  beforeAll(async () => {
    daybook = await startDaybook();
  });

  it('are 30 sync requests a minute: the 31st is 429', async () => {
    const sent = await burst(40, () => call('sync'));
    expectLimit(sent, 'sync', 30, 60);
    const first = sent.passed.find((reply) => quota(reply).remaining === 29)!;
    expect(quota(first)).toEqual({ name: 'sync', remaining: 29, resetS: 60 });
    expect(first.headers.get('retry-after')).toBeNull();
    expect(sent.passed.map((reply) => quota(reply).remaining)).toContain(0);
  });

  it('are 60 async requests a minute, counted separately from sync and other requests', async () => {
    expectQuotaExceeded(await untilLimited(() => call('sync')), 'sync', 30, 60);
    expectLimit(await burst(70, () => call('async')), 'async', 60, 60);
    expect(quota(await askOther())).toEqual({ name: 'default', remaining: 599, resetS: 60 });
  });

  it('are 600 other requests a minute', async () => {
    // An earlier request used one.
    expectLimit(await burst(700, askOther), 'default', 600, 60, 599);
  });

  it('do not count rejected requests', async () => {
    await burst(100, () => call('sync'));
    expect(quota(await call('sync')).resetS).toBeLessThanOrEqual(60);
  });

  it.each(['/healthz', '/api/health', '/readyz', '/openapi.json', '/docs'])('do not apply to GET %s', async (path) => {
    const { passed, rejected } = await burst(5, () => get(daybook, path));
    expect([passed.length, rejected.length]).toEqual([5, 0]);
    expect(passed[0]!.headers.get('ratelimit')).toBeNull();
    expectQuotaExceeded(await untilLimited(askOther), 'default', 600, 60);
  });

  it('do not apply to the demo receiver, which the service itself calls', async () => {
    const { passed, rejected } = await burst(700, () =>
      post(daybook, '/api/callbacks/receive', { status: 'completed' }),
    );
    expect([passed.length, rejected.length]).toEqual([700, 0]);
    expect(passed[0]!.headers.get('ratelimit')).toBeNull();
  });

  it('store nothing for rejected requests', async () => {
    const rows = await sql(daybook, 'SELECT mode, count(*)::int FROM requests GROUP BY mode ORDER BY mode');
    expect(rows).toEqual([
      { mode: 'async', count: accepted.async },
      { mode: 'sync', count: accepted.sync },
    ]);
  });
});

describe('a rejected caller', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    const env = { ...UNLIMITED, RATE_LIMIT_DEFAULT: '2/2s', MAX_PENDING: '2', SWEEP_INTERVAL: '100ms' };
    daybook = await startDaybook({ env });
  });

  it('with 429 succeeds after Retry-After', async () => {
    const call = () => get(daybook, '/api/report-types');
    const { rejected } = await burst(20, call);
    expectQuotaExceeded(rejected[0]!, 'default', 2, 2);
    const timeoutMs = Number(rejected[0]!.headers.get('retry-after')) * 1_000;
    await eventually(async () => expect((await call()).status).toBe(200), { timeoutMs });
    expectQuotaExceeded(await untilLimited(call), 'default', 2, 2);
  });

  it('with 503 because of a full lane succeeds after the lane has drained; other lanes are not affected', async () => {
    await holdLane(daybook, 'full');
    const call = (lane: string) => post(daybook, '/api/async', { ...QUICK, lane, callback_url: null });
    const { passed, rejected } = await burst(50, () => call('full'));
    expect(new Set(passed.map(({ json }) => json.queue_position))).toEqual(new Set([1, 2]));
    expect(rejected).toHaveLength(48);
    for (const reply of rejected) {
      expectProblem(reply, 503, '/api/async');
      expect(reply.json.type).toBe('https://iana.org/assignments/http-problem-types#temporary-reduced-capacity');
      expect(reply.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/);
    }
    expect((await call('other')).status).toBe(202);
    await releaseLane(daybook, 'full');
    const served = await eventually(async () => {
      const reply = await call('full');
      return reply.status === 202 && reply;
    });
    expect(served.json.queue_position).toBe(3);
  });
});

describe('RATE_LIMIT_BATCH', () => {
  const LIMITED = { ...UNLIMITED, RATE_LIMIT_ASYNC: '50/60s', RATE_LIMIT_BATCH: '10/60s', TRUST_PROXY: '1' };
  let daybook: Daybook;
  /** The caller of a test: quotas are by address. */
  let caller: Record<string, string>;
  let callers = 0;
  const headersOf = (key?: string): Record<string, string> =>
    key === undefined ? caller : { ...caller, 'Idempotency-Key': key };
  const batch = (items: number, key?: string, more: object = {}) =>
    post(
      daybook,
      '/api/batch',
      { requests: Array.from({ length: items }, () => ({ ...QUICK, callback_url: null, ...more })) },
      headersOf(key),
    );
  /** The remaining requests and items, as a batch that is over both limits for items shows them. */
  const remaining = ({ headers }: Reply): Record<string, number> =>
    Object.fromEntries(
      [...headers.get('ratelimit')!.matchAll(/"(\w+)";r=(\d+)/g)].map(([, name, rest]) => [name, Number(rest)]),
    );

  beforeAll(async () => {
    daybook = await startDaybook({ env: LIMITED });
  });
  beforeEach(() => {
    caller = { 'X-Forwarded-For': `198.51.100.${++callers}` };
  });

  it('counts the items of batches, and each batch as one async request', async () => {
    const stored = async () => (await sql(daybook, 'SELECT id FROM requests')).length;
    const before = await stored();
    const first = await batch(6);
    expect([first.status, remaining(first)]).toEqual([202, { async: 49, batch: 4 }]);
    expect(first.headers.get('ratelimit-policy')).toBe('"async";q=50;w=60, "batch";q=10;w=60');
    const refused = await batch(5);
    expectProblem(refused, 429);
    expect(refused.json.type).toBe('https://iana.org/assignments/http-problem-types#quota-exceeded');
    expect(refused.json.detail).toContain('"batch" of 10 items of batches in 60 s');
    const retryAfterS = Number(refused.headers.get('retry-after'));
    expect(retryAfterS).toBeGreaterThanOrEqual(1);
    expect(retryAfterS).toBeLessThanOrEqual(60);
    // A refused batch is not counted, so a smaller one fits.
    expect((await batch(4)).status).toBe(202);
    expect((await batch(1)).status).toBe(429);
    expect((await post(daybook, '/api/async', { ...QUICK, callback_url: null }, caller)).status).toBe(202);
    expect((await stored()) - before).toBe(11);
  });

  it('refuses a batch that can never fit, and names the limit', async () => {
    const reply = await batch(11);
    expectProblem(reply, 422);
    expect(reply.json.errors).toEqual([
      {
        path: 'requests',
        message: 'has 11 items, more than RATE_LIMIT_BATCH lets in at all (10 in 60 s); send smaller batches',
      },
    ]);
    expect(remaining(await batch(10))).toMatchObject({ batch: 0 });
  });

  it('counts nothing for a repeat, and answers repeats over the limit too', async () => {
    const first = await batch(6, 'once');
    expect(remaining(first)).toMatchObject({ batch: 4 });
    for (let n = 0; n < 3; n++) {
      const repeat = await batch(6, 'once');
      expect([repeat.status, repeat.text]).toEqual([202, first.text]);
      expect(repeat.headers.get('idempotency-replayed')).toBe('true');
    }
    expect(remaining(await batch(4))).toMatchObject({ batch: 0 });
    expect((await batch(6, 'another')).status).toBe(429);
    expect((await batch(6, 'once')).text).toBe(first.text);
  });

  it('counts nothing for a batch of which nothing was accepted', async () => {
    for (let n = 0; n < 5; n++) {
      expectProblem(await batch(6, undefined, { lane: 'not a lane' }), 422);
      expectProblem(await batch(6, undefined, { callback_url: 'http://10.0.0.1/' }), 400);
      expectProblem(await batch(6, `key-${n}`, { iterations: 0 }), 422);
    }
    expect(remaining(await batch(10))).toMatchObject({ batch: 0 });
  });
});

/**
 * The promise: pressure is answered, not absorbed. Too fast is 429, too much is 503, both say when to come back, and
 * who comes back then is served. What watches over the service, and its own callbacks, are never turned away.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { holdLane, letLaneGo, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const QUICK = { input_data: 'x', iterations: 1 };

interface Burst {
  passed: Reply[];
  refused: Reply[];
  /** From the first request until the last answer, in seconds. */
  tookS: number;
}

/** Sends so many at once. */
async function burst(count: number, send: () => Promise<Reply>): Promise<Burst> {
  const startedMs = performance.now();
  const replies = await Promise.all(Array.from({ length: count }, send));
  const passed = replies.filter(({ status }) => status < 400);
  const refused = replies.filter(({ status }) => status >= 400);
  return { passed, refused, tookS: (performance.now() - startedMs) / 1_000 };
}

/** Asks until the quota is gone, and gives the answer that says so. */
async function spent(send: () => Promise<Reply>): Promise<Reply> {
  return eventually(
    async () => {
      const reply = await send();
      return reply.status === 429 && reply;
    },
    { everyMs: 1 },
  );
}

/** What is in `RateLimit`: how many requests are left, and in how many seconds the quota is whole again. */
function quota({ headers }: Reply): { name: string; left: number; wholeInS: number } {
  const [, name, left, wholeInS] = /^"(\w+)";r=(\d+);t=(\d+)$/.exec(headers.get('ratelimit')!)!;
  return { name: name!, left: Number(left), wholeInS: Number(wholeInS) };
}

function expectQuotaExceeded(reply: Reply, name: string, limit: number, windowS: number): void {
  expectProblem(reply, 429);
  expect(reply.json.type).toBe('https://iana.org/assignments/http-problem-types#quota-exceeded');
  expect(reply.json.detail).toContain(`"${name}" of ${limit} requests in ${windowS} s`);
  expect(reply.headers.get('ratelimit-policy')).toBe(`"${name}";q=${limit};w=${windowS}`);
  expect(quota(reply)).toMatchObject({ name, left: 0 });
  // One request comes back every window/limit, so that is the longest that anyone has to wait.
  const retryAfterS = Number(reply.headers.get('retry-after'));
  expect(retryAfterS).toBeGreaterThanOrEqual(1);
  expect(retryAfterS).toBeLessThanOrEqual(Math.ceil(windowS / limit));
}

/** Exactly the limit passes, and what comes back while the burst lasts. */
function expectLimit({ passed, refused, tookS }: Burst, name: string, limit: number, windowS: number): void {
  expect(passed.length).toBeGreaterThanOrEqual(limit);
  expect(passed.length).toBeLessThanOrEqual(limit + Math.floor((tookS * limit) / windowS));
  expect(refused).not.toHaveLength(0);
  for (const reply of refused) expectQuotaExceeded(reply, name, limit, windowS);
  for (const reply of passed) expect(reply.headers.get('ratelimit-policy')).toBe(`"${name}";q=${limit};w=${windowS}`);
}

describe('the limits that hold when nobody sets any', () => {
  let daybook: Daybook;
  const accepted = { sync: 0, async: 0 };
  const ask = async (mode: 'sync' | 'async') => {
    const reply = await post(daybook, `/api/${mode}`, { ...QUICK, callback_url: null });
    if (reply.status < 400) accepted[mode]++;
    return reply;
  };
  const askOther = () => get(daybook, '/api/report-types');

  beforeAll(async () => {
    daybook = await startDaybook();
  });

  it('are 30 sync requests a minute: the 31st is 429', async () => {
    const sent = await burst(40, () => ask('sync'));
    expectLimit(sent, 'sync', 30, 60);
    const first = sent.passed.find((reply) => quota(reply).left === 29)!;
    expect(quota(first)).toEqual({ name: 'sync', left: 29, wholeInS: 2 });
    expect(first.headers.get('retry-after')).toBeNull();
    expect(sent.passed.map((reply) => quota(reply).left)).toContain(0);
  });

  it('are 60 async requests a minute, counted apart from sync and from the rest', async () => {
    expectQuotaExceeded(await spent(() => ask('sync')), 'sync', 30, 60);
    expectLimit(await burst(70, () => ask('async')), 'async', 60, 60);
    expect(quota(await askOther())).toEqual({ name: 'default', left: 599, wholeInS: 1 });
  });

  it('are 600 of everything else a minute', async () => {
    expectLimit(await burst(1_500, askOther), 'default', 600, 60);
  });

  it('spend nothing on what is refused: a caller that hammers does not push its turn away', async () => {
    await burst(100, () => ask('sync'));
    expect(quota(await ask('sync')).wholeInS).toBeLessThanOrEqual(60);
  });

  it.each(['/healthz', '/api/health', '/readyz', '/openapi.json', '/docs'])('do not hold for GET %s', async (path) => {
    const { passed, refused } = await burst(5, () => get(daybook, path));
    expect([passed.length, refused.length]).toEqual([5, 0]);
    expect(passed[0]!.headers.get('ratelimit')).toBeNull();
    expectQuotaExceeded(await spent(askOther), 'default', 600, 60);
  });

  it('do not hold for the demo receiver, which the service itself calls', async () => {
    const { passed, refused } = await burst(700, () =>
      post(daybook, '/api/callbacks/receive', { status: 'completed' }),
    );
    expect([passed.length, refused.length]).toEqual([700, 0]);
    expect(passed[0]!.headers.get('ratelimit')).toBeNull();
  });

  it('kept nothing of what they refused', async () => {
    const rows = await sql(daybook, 'SELECT mode, count(*)::int FROM requests GROUP BY mode ORDER BY mode');
    expect(rows).toEqual([
      { mode: 'async', count: accepted.async },
      { mode: 'sync', count: accepted.sync },
    ]);
  });
});

describe('who was refused', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    const env = { ...UNLIMITED, RATE_LIMIT_DEFAULT: '2/2s', MAX_PENDING: '2', SWEEP_INTERVAL: '100ms' };
    daybook = await startDaybook({ env });
  });

  it('with 429 is served after Retry-After', async () => {
    const ask = () => get(daybook, '/api/report-types');
    const { refused } = await burst(20, ask);
    expectQuotaExceeded(refused[0]!, 'default', 2, 2);
    const timeoutMs = Number(refused[0]!.headers.get('retry-after')) * 1_000;
    await eventually(async () => expect((await ask()).status).toBe(200), { timeoutMs });
    expectQuotaExceeded(await spent(ask), 'default', 2, 2);
  });

  it('with 503, because the lane is full, is served when it has drained; other lanes and sync are not held up', async () => {
    await holdLane(daybook, 'full');
    const ask = (lane: string) => post(daybook, '/api/async', { ...QUICK, lane, callback_url: null });
    const { passed, refused } = await burst(50, () => ask('full'));
    expect(new Set(passed.map(({ json }) => json.queue_position))).toEqual(new Set([1, 2]));
    expect(refused).toHaveLength(48);
    for (const reply of refused) {
      expectProblem(reply, 503, '/api/async');
      expect(reply.json.type).toBe('https://iana.org/assignments/http-problem-types#temporary-reduced-capacity');
      expect(reply.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/);
    }
    expect((await ask('other')).status).toBe(202);
    await letLaneGo(daybook, 'full');
    const served = await eventually(async () => {
      const reply = await ask('full');
      return reply.status === 202 && reply;
    });
    expect(served.json.queue_position).toBe(3);
  });
});

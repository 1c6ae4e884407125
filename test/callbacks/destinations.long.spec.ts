import { beforeAll, describe, expect, it } from '@jest/globals';
import { post } from '../support/client.js';
import { createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type DeliveryPage, type DestinationPage, type RequestDetail, getJson } from '../support/json.js';
import { type Receipt, type Receiver, startReceiver } from '../support/receiver.js';
import { redisUrl } from '../support/redis.js';
import { sql } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

/** A failing destination does not affect the others: breakers, disabled URLs, Retry-After and concurrency limits. */
let daybook: Daybook;
beforeAll(async () => {
  const env = { ...UNLIMITED, CALLBACK_RETRY_DELAYS: '100ms,200ms', CALLBACK_TIMEOUT: '1s', SWEEP_INTERVAL: '100ms' };
  daybook = await startDaybook({ env });
});

/** Submits reports of one lane with callbacks to the receiver. Returns their ids in order. */
async function ask(receiver: Receiver, lane: string, count = 1, path = '/hook'): Promise<string[]> {
  const body = () => ({ num_transactions: 1, lane, callback_url: `${receiver.url}${path}` });
  return (await submitAsync(daybook.url, count, body, 1)).map(({ request_id }) => request_id);
}

const request = (id: string): Promise<RequestDetail> => getJson(`${daybook.url}/api/requests/${id}`);

async function callbacks({ url }: Receiver, query = ''): Promise<DeliveryPage['callbacks']> {
  const page = await getJson<DeliveryPage>(`${daybook.url}/api/callbacks?limit=200&destination=${url}${query}`);
  return page.callbacks;
}

const statusOf = (id: string, status: string): Promise<unknown> =>
  eventually(async () => (await request(id)).callback_status === status);

async function destination({ url }: Receiver): Promise<DestinationPage['destinations'][number] | undefined> {
  const page = await getJson<DestinationPage>(`${daybook.url}/api/callbacks/destinations?limit=200`);
  return page.destinations.find((known) => known.destination === url);
}

describe('the breaker', () => {
  it('opens after consecutive failures, sends one callback as a probe, and closes when it succeeds', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 503 });
    const ids = await ask(receiver, 'burst', 40);
    const open = await eventually(async () => {
      const known = await destination(receiver);
      return known?.state === 'open' && known;
    });
    expect(open).toMatchObject({ failures: expect.any(Number), has_waiting: true, disabled_urls: [] });
    expect(open.failures).toBeGreaterThanOrEqual(10);
    expect(Date.parse(open.next_probe_at!)).toBeGreaterThan(Date.parse(open.not_closed_since!));
    // Only callbacks in flight when it opened were attempted.
    const waiting = (await callbacks(receiver, '&status=PENDING')).filter(({ attempts }) => attempts === 0);
    expect(waiting.length).toBeGreaterThan(15);

    const probed = receiver.received.length;
    await eventually(() => receiver.received.length > probed);
    receiver.answer({ status: 200 });
    for (const id of ids.slice(-20)) await statusOf(id, 'SUCCESS');
    await eventually(async () => (await destination(receiver))?.state === 'closed');
    expect(await destination(receiver)).toMatchObject({ failures: 0, not_closed_since: null, next_probe_at: null });
    const firsts = receiver.received.filter(({ headers }) => headers['x-attempt-number'] === '1');
    expect(firsts.map(({ json }) => json.queue_position)).toEqual(ids.map((_, index) => index + 1));
  });

  it('sends one probe at a time, and attempts every callback of a destination that fails for long', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 500 });
    await ask(receiver, 'dead', 30);
    await eventually(async () => (await destination(receiver))?.state === 'open');
    let underWay = 0;
    let most = 0;
    receiver.answerWith(() => {
      most = Math.max(most, ++underWay);
      setTimeout(() => underWay--, 280);
      return { status: 500, delayMs: 300 };
    });
    const before = receiver.received.length;
    await eventually(() => receiver.received.length >= before + 2);
    expect(most).toBe(1);
    receiver.answer({ status: 500 });
    await eventually(
      async () => {
        // Simulates an hour of failure, in which all the pauses have passed.
        const past = `opened_at = now() - interval '1 hour', open_until = now()`;
        const text = `UPDATE callback_destinations SET ${past} WHERE destination = $1 AND state = 'open'`;
        await sql(daybook, text, [receiver.url]);
        return (await callbacks(receiver, '&status=PENDING')).length === 0;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    const failed = await callbacks(receiver, '&status=FAILED');
    expect(failed).toHaveLength(30);
    expect(failed.map(({ attempts }) => attempts)).toEqual(failed.map(() => 3));
  });

  it('does not count a final answer as a failure', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 404 });
    const ids = await ask(receiver, 'final', 30);
    await statusOf(ids.at(-1)!, 'FAILED');
    expect(receiver.received).toHaveLength(30);
    expect(await destination(receiver)).toBeUndefined();
  });
});

describe('410 Gone', () => {
  it('is final, and disables the URL until an operator enables it', async () => {
    const receiver = await startReceiver();
    receiver.answerWith(({ path }) => (path === '/gone' ? { status: 410 } : {}));
    const [first] = await ask(receiver, 'gone', 1, '/gone');
    await statusOf(first!, 'FAILED');
    const [second] = await ask(receiver, 'gone', 1, '/gone');
    const [other] = await ask(receiver, 'gone', 1, '/there');
    await statusOf(other!, 'SUCCESS');
    expect(await request(second!)).toMatchObject({
      callback_status: 'FAILED',
      callback_attempts: 0,
      delivery_trace: [],
    });
    expect((await callbacks(receiver, '&status=FAILED'))[0]).toMatchObject({
      request_id: second,
      attempts: 0,
      error: expect.stringContaining('410 Gone'),
    });
    expect(await destination(receiver)).toMatchObject({
      state: 'closed',
      disabled_urls: [{ url: `${receiver.url}/gone`, request_id: first, disabled_at: expect.any(String) }],
    });
    // A redelivery does not enable the URL.
    await post(daybook, `/api/requests/${second}/redeliver`, undefined);
    await statusOf(second!, 'FAILED');
    expect(receiver.received.filter(({ path }) => path === '/gone')).toHaveLength(1);

    receiver.answer({ status: 200 });
    const url = `${receiver.url}/gone`;
    expect((await post(daybook, '/api/callbacks/urls/enable', { url })).json).toMatchObject({
      url,
      enabled: true,
    });
    await post(daybook, `/api/requests/${second}/redeliver`, undefined);
    await post(daybook, `/api/requests/${first}/redeliver`, undefined);
    await statusOf(second!, 'SUCCESS');
    await statusOf(first!, 'SUCCESS');
    expect((await callbacks(receiver)).map(({ error }) => error)).toEqual([null, null, null]);
    const again = await post(daybook, '/api/callbacks/urls/enable', { url });
    expect([again.status, again.json.type]).toEqual([404, 'urn:daybook:problem:url-not-disabled']);
  });

  it.each([{}, { url: '' }, { url: 7 }, { url: 'http://a.test/', more: 1 }])('refuses to enable %j', async (body) => {
    expect((await post(daybook, '/api/callbacks/urls/enable', body)).status).toBe(422);
  });
});

describe('Retry-After', () => {
  const inSeconds = (s: number): string => new Date(Date.now() + s * 1_000).toUTCString();
  it.each([
    ['seconds', () => '3'],
    // A date has whole seconds: 4 s from now means 3 to 4 s.
    ['a date', () => inSeconds(4)],
  ] as [string, () => string][])('in %s delays the next attempt', async (_, header) => {
    const receiver = await startReceiver();
    receiver.answerWith(({ headers }) =>
      headers['x-attempt-number'] === '1' ? { status: 503, headers: { 'retry-after': header() } } : {},
    );
    const [id] = await ask(receiver, `later-${_.length}`);
    await statusOf(id!, 'SUCCESS');
    const [one, two] = receiver.received as [Receipt, Receipt];
    expect(two.receivedAt.getTime() - one.receivedAt.getTime()).toBeGreaterThanOrEqual(2_900);
    const { delivery_trace } = await request(id!);
    const { attempted_at, next_attempt_at } = delivery_trace[0]!;
    expect(Date.parse(next_attempt_at!) - Date.parse(attempted_at)).toBeGreaterThanOrEqual(2_900);
  });

  it('never shortens the delay, and has no effect on a final answer', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 500, headers: { 'retry-after': '0' } }, { status: 400, headers: { 'retry-after': '1' } });
    const [id] = await ask(receiver, 'forward');
    await statusOf(id!, 'FAILED');
    const [one, two] = receiver.received as [Receipt, Receipt];
    expect(receiver.received).toHaveLength(2);
    expect(two.receivedAt.getTime() - one.receivedAt.getTime()).toBeGreaterThanOrEqual(74);
  });
});

describe('concurrency limits', () => {
  it('are 8 callbacks per destination and 64 in total, over retries and all lanes', async () => {
    const receivers = await Promise.all(Array.from({ length: 10 }, () => startReceiver()));
    const underWay = new Map<Receiver, number>();
    const most = new Map<Receiver, number>();
    let mostInAll = 0;
    for (const receiver of receivers) {
      receiver.answerWith(({ headers }) => {
        const count = (underWay.get(receiver) ?? 0) + 1;
        underWay.set(receiver, count);
        most.set(receiver, Math.max(count, most.get(receiver) ?? 0));
        mostInAll = Math.max(
          mostInAll,
          [...underWay.values()].reduce((sum, n) => sum + n, 0),
        );
        // Long enough to reach the limits on a slow machine, and well below CALLBACK_TIMEOUT.
        setTimeout(() => underWay.set(receiver, underWay.get(receiver)! - 1), 290);
        // Every second callback is retried, between the first attempts of others.
        const isRetry = headers['x-attempt-number'] !== '1';
        return { status: isRetry || headers['webhook-id']!.toString().at(-1)! > '7' ? 200 : 503, delayMs: 300 };
      });
    }
    const body = (index: number) => ({
      num_transactions: 1,
      lane: `bound-${index % 12}`,
      callback_url: `${receivers[Math.floor(index / 12) % 10]!.url}/${index}`,
    });
    await submitAsync(daybook.url, 960, body);
    await eventually(
      async () => {
        const left = await sql(daybook, `SELECT FROM callback_deliveries WHERE status = 'PENDING' AND url LIKE '%/%'`);
        return left.length === 0;
      },
      { timeoutMs: 50_000 },
    );
    expect(receivers.reduce((sum, { received }) => sum + received.length, 0)).toBeGreaterThan(1_000);
    for (const receiver of receivers) expect(most.get(receiver)).toBeLessThanOrEqual(8);
    expect(mostInAll).toBeLessThanOrEqual(64);
    // The limits are reached.
    expect(Math.max(...most.values())).toBe(8);
    expect(mostInAll).toBeGreaterThan(40);
  });

  it('of one worker leave the other callbacks to other workers, which are woken', async () => {
    const [{ url: DATABASE_URL }, REDIS_URL, receiver] = await Promise.all([
      createDatabase(),
      redisUrl(),
      startReceiver(),
    ]);
    receiver.answer('silence');
    // With this sweep interval, only a wake-up can find callbacks.
    const env = { ...UNLIMITED, DATABASE_URL, REDIS_URL, CALLBACK_TIMEOUT: '30s', SWEEP_INTERVAL: '1m' };
    const roles = ['api', 'worker', 'worker'] as const;
    const [api, , idle] = (await Promise.all(roles.map((role) => startDaybook({ role, env })))) as [
      Daybook,
      Daybook,
      Daybook,
    ];
    idle.kill('SIGSTOP');
    const body = (index: number) => ({ num_transactions: 1, lane: `lane-${index}`, callback_url: receiver.url });
    await submitAsync(api.url, 16, body, 1);
    await eventually(() => receiver.received.length === 8);
    idle.kill('SIGCONT');
    await eventually(() => receiver.received.length === 16, { timeoutMs: 20_000 });
    // Otherwise the workers would wait for its answers when they stop.
    await receiver.close();
  });

  it('keep seven healthy receivers unaffected by one down, one stalled and one with 20% errors', async () => {
    const receivers = await Promise.all(Array.from({ length: 10 }, () => startReceiver()));
    const [down, stalling, flaky, ...healthy] = receivers as [Receiver, Receiver, Receiver, ...Receiver[]];
    await down.close();
    let isStalling = false;
    stalling.answerWith(() => {
      isStalling = true;
      return { delayMs: 900 };
    });
    flaky.answerWith((_, index) => ({ status: index % 5 === 0 ? 500 : 200 }));
    const body = (index: number) => ({
      num_transactions: 1,
      lane: `ten-${index % 3}`,
      callback_url: `${receivers[index % 10]!.url}/${index}`,
    });
    await submitAsync(daybook.url, 600, body);
    await eventually(() => healthy.every(({ received }) => received.length === 60));
    expect(isStalling).toBe(true);
    expect(stalling.received.length).toBeLessThan(60);
    await eventually(() => new Set(flaky.received.map(({ json }) => json.request_id)).size === 60);
  });
});

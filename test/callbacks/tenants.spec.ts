/** Failing or slow receivers of one account do not delay the callbacks of another. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { UNLIMITED } from '../support/submit.js';

let daybook: Daybook;
let hostile: TestKey;
let other: TestKey;
beforeAll(async () => {
  const env = { ...UNLIMITED, AUTH: 'required', RATE_LIMIT_BATCH: 'off', CALLBACK_TIMEOUT: '10s' };
  daybook = await startDaybook({ env });
  hostile = await createKey(daybook, ['admin'], { account: 'hostile' });
  other = await createKey(daybook, ['admin'], { account: 'other' });
});

/** Accepts a request for each URL, each in its own lane. @returns Their ids. */
async function ask({ headers }: TestKey, urls: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < urls.length; from += 50) {
    const requests = urls
      .slice(from, from + 50)
      .map((callback_url) => ({ input_data: 'x', iterations: 1, lane: randomUUID(), callback_url }));
    const { status, json } = await post(daybook, '/api/batch', { requests }, headers);
    expect(status).toBe(202);
    ids.push(...json.requests.map(({ request_id }: { request_id: string }) => request_id));
  }
  return ids;
}

const detailOf = async ({ headers }: TestKey, id: string) => (await get(daybook, `/api/requests/${id}`, headers)).json;
const destinationsOf = async ({ headers }: TestKey) =>
  (await get(daybook, '/api/callbacks/destinations', headers)).json.destinations;

const times = (count: number, url: string): string[] => Array.from({ length: count }, () => url);

describe('a host that fails the callbacks of one account', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    receiver.answerWith(({ path }) => ({ status: path === '/bad' ? 500 : 200 }));
  });

  it('gets those of another at once, and every callback of both is attempted', async () => {
    const bad = await ask(hostile, times(200, `${receiver.url}/bad`));
    await eventually(async () => (await destinationsOf(hostile))[0]?.state === 'open');
    const good = await ask(other, times(5, `${receiver.url}/good`));
    for (const id of good) {
      await eventually(async () => (await detailOf(other, id)).callback_status === 'SUCCESS');
      expect(await detailOf(other, id)).toMatchObject({ callback_attempts: 1, callback_error: null });
    }
    expect(await destinationsOf(other)).toEqual([]);
    for (const id of bad) {
      const { callback_status, callback_attempts } = await detailOf(hostile, id);
      if (callback_status === 'FAILED') expect(callback_attempts).toBeGreaterThan(0);
    }
  });

  it('answers 410 to one account, and only its URL is disabled', async () => {
    const leaving = await startReceiver();
    leaving.answer({ status: 410 });
    const url = `${leaving.url}/gone`;
    const [gone] = await ask(hostile, [url]);
    await eventually(async () => (await detailOf(hostile, gone!)).callback_status === 'FAILED');
    const known = await destinationsOf(hostile);
    const disabled = known.find(({ destination }: { destination: string }) => destination === leaving.url);
    expect(disabled.disabled_urls).toMatchObject([{ url }]);
    const [own] = await ask(other, [url]);
    await eventually(async () => (await detailOf(other, own!)).callback_status === 'FAILED');
    expect((await detailOf(other, own!)).callback_attempts).toBe(1);
    // Each account enables its own.
    expect((await post(daybook, '/api/callbacks/urls/enable', { url }, other.headers)).status).toBe(200);
    expect((await post(daybook, '/api/callbacks/urls/enable', { url }, other.headers)).status).toBe(404);
    expect((await post(daybook, '/api/callbacks/urls/enable', { url }, hostile.headers)).status).toBe(200);
  });
});

it('slow receivers of one account leave permits for the callbacks of another', async () => {
  const slow = await Promise.all(Array.from({ length: 12 }, () => startReceiver()));
  for (const receiver of slow) receiver.answer('silence');
  const healthy = await startReceiver();
  await ask(
    hostile,
    slow.flatMap(({ url }) => times(25, `${url}/drip`)),
  );
  // The limit of one account.
  await eventually(() => slow.reduce((sum, { received }) => sum + received.length, 0) >= 56);
  const askedAt = Date.now();
  await ask(other, times(5, healthy.url));
  await eventually(() => healthy.received.length === 5);
  // Much shorter than the timeout of the other attempts, which would otherwise have to end first.
  expect(healthy.received.at(-1)!.receivedAt.getTime() - askedAt).toBeLessThan(5_000);
  expect(slow.reduce((sum, { received }) => sum + received.length, 0)).toBeLessThan(300);
  await Promise.all(slow.map((receiver) => receiver.close()));
});

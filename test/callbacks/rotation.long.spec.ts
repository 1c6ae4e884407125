/** A rotation of callback secrets: which secrets sign in which process, and until when. */
import { describe, expect, it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver.js';
import { redisUrl } from '../support/redis.js';
import {
  ENV,
  type Secret,
  callbackOf,
  isAccepted,
  newSecret,
  rotate,
  secretsOf,
  signaturesOf,
} from './signature-fixture.js';

describe('a rotation', () => {
  it('signs with both secrets until the old one expires, then with the new one alone', async () => {
    const daybook = await startDaybook({ env: ENV });
    const receiver = await startReceiver();
    const [{ secret: old } = { secret: '' }] = await secretsOf(daybook);
    expect(isAccepted(old, await callbackOf(daybook, receiver))).toBe(true);

    const [fresh, expiring] = (await rotate(daybook, { expire_old_after: '6s' })) as [Secret, Secret];
    expect([fresh.expires_at, expiring.secret]).toEqual([null, old]);
    expect(Date.parse(expiring.expires_at!) - Date.parse(fresh.created_at)).toBeCloseTo(6_000, -3);
    const both = await eventually(async () => {
      const callback = await callbackOf(daybook, receiver);
      return signaturesOf(callback).length === 2 && callback;
    });
    expect([isAccepted(fresh.secret, both), isAccepted(old, both)]).toEqual([true, true]);
    const [first = ''] = signaturesOf(both);
    expect(isAccepted(fresh.secret, { raw: both.raw, headers: { ...both.headers, 'webhook-signature': first } })).toBe(
      true,
    );

    const after = await eventually(async () => {
      const callback = await callbackOf(daybook, receiver);
      return signaturesOf(callback).length === 1 && callback;
    });
    // Up to the duration of the query earlier than the expiry, and never later.
    expect(Date.now()).toBeGreaterThan(Date.parse(expiring.expires_at!) - 1_000);
    expect([isAccepted(fresh.secret, after), isAccepted(old, after)]).toEqual([true, false]);
    await eventually(async () => (await secretsOf(daybook)).length === 1);
    expect(await secretsOf(daybook)).toEqual([fresh]);
  });

  it('takes effect within 5 seconds in a separate worker process', async () => {
    const [{ url: DATABASE_URL }, REDIS_URL] = await Promise.all([createDatabase(), redisUrl()]);
    const env = { ...ENV, DATABASE_URL, REDIS_URL };
    const [api] = await Promise.all([startDaybook({ role: 'api', env }), startDaybook({ role: 'worker', env })]);
    const receiver = await startReceiver();
    const [before, ...others] = await secretsOf(api);
    expect(others).toEqual([]);
    expect(isAccepted(before!.secret, await callbackOf(api, receiver))).toBe(true);
    const [fresh] = await rotate(api, { expire_old_after: '0s' });
    const isNew = async () => {
      const callback = await callbackOf(api, receiver);
      return isAccepted(fresh!.secret, callback) && callback;
    };
    const after = await eventually(isNew, { timeoutMs: 5_000 });
    expect([isAccepted(fresh!.secret, after), isAccepted(before!.secret, after)]).toEqual([true, false]);
  });

  it('takes place at a start with another CALLBACK_SECRET', async () => {
    const { url: DATABASE_URL } = await createDatabase();
    const [first, second] = [newSecret(), newSecret()];
    const receiver = await startReceiver();
    const before = await startDaybook({ env: { ...ENV, DATABASE_URL, CALLBACK_SECRET: first } });
    expect(isAccepted(first, await callbackOf(before, receiver))).toBe(true);
    await before.stop();
    const starts = [1, 2].map(() => startDaybook({ env: { ...ENV, DATABASE_URL, CALLBACK_SECRET: second } }));
    const [daybook] = (await Promise.all(starts)) as [Daybook];
    const [newest, expiring, ...others] = await secretsOf(daybook);
    expect([newest!.secret, expiring!.secret, others]).toEqual([second, first, []]);
    const hours = (Date.parse(expiring!.expires_at!) - Date.parse(newest!.created_at)) / 3_600_000;
    expect(hours).toBeCloseTo(24, 3);
    const callback = await callbackOf(daybook, receiver);
    expect([isAccepted(second, callback), isAccepted(first, callback)]).toEqual([true, true]);
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { v4 as uuid } from 'uuid';
import type { LaneLease } from '../../src/jobs/lanes/lane-lease.store.js';
import { post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { LEASE_MS, Stores, openStores } from '../support/stores.js';

/**
 * Lanes are leased round robin over accounts, regardless of their number. Within an account the longest wait is first.
 */
let stores: Stores;
beforeEach(async () => {
  stores = await openStores();
});

async function waiting(account: string, ...lanes: string[]): Promise<void> {
  for (const lane of lanes) await stores.accept(`${account}/${lane}`, 1);
}

/** Leases `count` lanes, one after the other. Returns their names. */
async function leased(count: number, by = stores): Promise<string[]> {
  const names: string[] = [];
  for (let n = 0; n < count; n++) names.push((await by.lease()).name);
  return names;
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `lane-${index}`);
const accountIn = (lane: string): string => lane.split('/')[0]!;

describe('lanes of several accounts', () => {
  const [busy, idle, third] = [uuid(), uuid(), uuid()];

  it('are leased round robin: an idle account is next even if the lanes of a busy one have waited longer', async () => {
    await waiting(busy, ...numbered(20));
    expect((await leased(3)).map(accountIn)).toEqual([busy, busy, busy]);
    await waiting(idle, 'new');
    expect(await leased(3)).toEqual([`${idle}/new`, `${busy}/lane-3`, `${busy}/lane-4`]);
  });

  it('are leased round robin by each worker', async () => {
    await waiting(busy, ...numbered(20));
    const other = await Stores.open(stores.url);
    await leased(2);
    await leased(2, other);
    await waiting(idle, 'a', 'b');
    expect(await leased(1)).toEqual([`${idle}/a`]);
    expect(await leased(1, other)).toEqual([`${idle}/b`]);
  });

  it('share the leases equally', async () => {
    for (const account of [busy, idle, third]) await waiting(account, ...numbered(6));
    const order = (await leased(12)).map(accountIn);
    for (let turn = 0; turn < 12; turn += 3) expect(new Set(order.slice(turn, turn + 3)).size).toBe(3);
  });

  it('of one account are leased by how long they have waited, and by priority', async () => {
    await waiting(busy, 'first', 'second', 'third');
    await waiting(idle, 'other');
    await stores.sql(`UPDATE lanes SET priority = 60 WHERE name = $1`, [`${busy}/third`]);
    const order = await leased(4);
    expect(order.filter((lane) => accountIn(lane) === busy)).toEqual(
      ['third', 'first', 'second'].map((lane) => `${busy}/${lane}`),
    );
  });

  it('do not overtake those of other accounts by priority', async () => {
    await waiting(busy, 'a', 'b');
    await stores.sql('UPDATE lanes SET priority = 86400');
    await leased(1);
    await waiting(idle, 'new');
    expect(await leased(1)).toEqual([`${idle}/new`]);
  });

  it('are leased round robin with lanes that have no account', async () => {
    await waiting(busy, ...numbered(3));
    await leased(1);
    await stores.accept('open', 1);
    expect(await leased(1)).toEqual(['open']);
  });

  it('of more accounts than one claim compares are leased about equally often', async () => {
    const accounts = Array.from({ length: 100 }, () => uuid());
    for (const account of accounts) await waiting(account, 'a', 'b', 'c', 'd');
    const order = (await leased(200)).map(accountIn);
    const turns = accounts.map((account) => order.filter((each) => each === account).length);
    expect(Math.min(...turns)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...turns)).toBeLessThanOrEqual(4);
  });

  it('are skipped while an accept locks them, and a lane of the next account is leased at once', async () => {
    await waiting(busy, 'locked');
    await waiting(idle, 'free');
    await stores.database.transaction(async (query) => {
      await query({ name: '', text: 'SELECT FROM lanes WHERE name = $1 FOR UPDATE' }, [`${busy}/locked`]);
      expect(await leased(1)).toEqual([`${idle}/free`]);
      return true;
    });
    expect(await leased(1)).toEqual([`${busy}/locked`]);
  });

  it('are not leased while they are paused, leased or empty', async () => {
    await waiting(busy, 'paused', 'leased');
    await stores.sql(`UPDATE lanes SET paused = true WHERE name = $1`, [`${busy}/paused`]);
    expect(await leased(1)).toEqual([`${busy}/leased`]);
    expect(await stores.leases.findWaiting()).toBeNull();
    expect(await stores.leases.lease(LEASE_MS)).toBeNull();
  });
});

it('a worker can read which account is next', async () => {
  const [busy, idle] = [uuid(), uuid()];
  await waiting(busy, ...numbered(3));
  const lane: LaneLease = await stores.lease();
  expect(lane.name).toBe(`${busy}/lane-0`);
  expect(await stores.leases.findWaiting()).toBe(busy);
  await waiting(idle, 'new');
  expect(await stores.leases.findWaiting()).toBe(idle);
});

it('a worker leases lanes of the account for which it runs the fewest, even if it served that one last', async () => {
  const [slow, quick] = [uuid(), uuid()];
  await waiting(slow, ...numbered(3));
  await leased(1);
  await waiting(quick, ...numbered(3));
  await leased(1);
  expect(await stores.leases.findWaiting([slow])).toBe(quick);
  expect(accountIn((await stores.leases.lease(LEASE_MS, [slow]))!.name)).toBe(quick);
});

async function statusOf(daybook: Daybook, id: string): Promise<string> {
  const [row] = await sql<{ status: string }>(daybook, 'SELECT status FROM requests WHERE id = $1', [id]);
  return row!.status;
}

describe('a worker with one thread', () => {
  /** Accepts requests of a busy account, then one of an idle account; returns the busy one's that began in between. */
  async function begunMeanwhile(requests: object[]): Promise<number> {
    const env = { ...UNLIMITED, AUTH: 'required', REPORT_THREADS: '1', RATE_LIMIT_BATCH: 'off' };
    const daybook = await startDaybook({ env });
    const [busy, idle] = [
      await createKey(daybook, ['reports:write'], { account: 'busy' }),
      await createKey(daybook, ['reports:write'], { account: 'idle' }),
    ];
    expect((await post(daybook, '/api/batch', { requests }, busy.headers)).status).toBe(202);
    await eventually(async () => (await sql(daybook, `SELECT FROM requests WHERE status = 'COMPLETED'`)).length > 0);
    const quick = { input_data: 'x', iterations: 1, callback_url: null, lane: 'new' };
    const { json } = await post(daybook, '/api/async', quick, idle.headers);
    const text = `SELECT count(*)::integer AS count FROM requests b JOIN requests i ON b.id <> i.id
      WHERE i.id = $1 AND b.started_at BETWEEN i.created_at AND i.started_at`;
    await eventually(async () => (await statusOf(daybook, json.request_id)) === 'COMPLETED', { timeoutMs: 50_000 });
    const [row] = await sql<{ count: number }>(daybook, text, [json.request_id]);
    return row!.count;
  }

  const slow = (lane: string): object => ({ input_data: 'x', iterations: 1_000_000, callback_url: null, lane });

  it('starts the lane of an idle account after one report of an account with 120 slow lanes', async () => {
    expect(await begunMeanwhile(Array.from({ length: 120 }, (_, index) => slow(`slow-${index}`)))).toBeLessThanOrEqual(
      1,
    );
  });

  it('starts it after one report of a lane with many, before the time slice of that lane ends', async () => {
    const middling = { input_data: 'x', iterations: 400_000, callback_url: null, lane: 'one' };
    expect(await begunMeanwhile(Array.from({ length: 100 }, () => middling))).toBeLessThanOrEqual(2);
  });
});

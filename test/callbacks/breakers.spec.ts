import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CLOSED } from '../../src/callbacks/destinations/breaker.js';
import { Breakers } from '../../src/callbacks/destinations/breakers.js';
import { BreakerStore } from '../../src/callbacks/destinations/breaker.store.js';
import type { Target } from '../../src/callbacks/destinations/target.js';
import { openStores, type Stores } from '../support/stores.js';
import { REQUEST_TABLES } from '../support/tables.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

/** Breakers are kept only for destinations in use. */
let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await stores.sql(`TRUNCATE callback_destinations, ${REQUEST_TABLES} CASCADE`);
});

const at = (destination: string): Target => ({ accountId: OPEN_INSTALLATION, destination });

const GUARD = { isDemoDestination: () => false };

const DAY_MS = 86_400_000;

async function known(): Promise<string[]> {
  const text = 'SELECT destination FROM callback_destinations ORDER BY destination';
  return (await stores.sql<{ destination: string }>(text)).map(({ destination }) => destination);
}

/** Inserts a callback to a destination. */
async function insert(destination: string, status: string, attempts: number): Promise<void> {
  const [id] = await stores.accept(destination, 1);
  await stores.sql(
    `INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position, status, attempts)
     VALUES ($1, $1, 'http://x.test/', $2, $2, 1, $3, $4)`,
    [id, destination, status, attempts],
  );
}

describe('a destination that has been idle for a day', () => {
  it('is forgotten unless a callback waits for it', async () => {
    const store = new BreakerStore(stores.database);
    const names = ['done', 'first-waits', 'never', 'retry-waits', 'young'];
    await store.apply(names.map((destination) => Object.assign(at(destination), { event: 'failure' as const })));
    await stores.sql(
      `UPDATE callback_destinations SET changed_at = now() - interval '25 hours' WHERE destination <> 'young'`,
    );
    await insert('done', 'FAILED', 3);
    await insert('first-waits', 'PENDING', 0);
    await insert('retry-waits', 'PENDING', 1);
    await new Breakers(store, GUARD).forgetIdle();
    expect(await known()).toEqual(['first-waits', 'retry-waits', 'young']);
  });

  it('is forgotten together with any number of others', async () => {
    await stores.sql(`INSERT INTO callback_destinations (destination, changed_at)
      SELECT 'd' || n, now() - interval '25 hours' FROM generate_series(1, 1200) n`);
    jest.spyOn(performance, 'now').mockReturnValue(0);
    await new Breakers(new BreakerStore(stores.database), GUARD).forgetIdle();
    expect(await known()).toEqual([]);
  });

  it('is forgotten by the process too', async () => {
    const breakers = new Breakers(new BreakerStore(stores.database), GUARD);
    breakers.learn(at('d'), { ...CLOSED, failures: 1 });
    await breakers.forgetIdle();
    expect(breakers.get(at('d')).failures).toBe(1);
    const nowMs = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(nowMs + DAY_MS + 60_000);
    await breakers.forgetIdle();
    expect(breakers.get(at('d')).failures).toBe(0);
  });
});

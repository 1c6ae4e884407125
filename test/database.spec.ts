import { beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable, type Query } from '../src/database.js';
import { openStores, type Stores } from './support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

const ask = (query: Query) => query<{ pid: number }>({ name: '', text: 'SELECT pg_backend_pid() AS pid' });

describe('a transaction whose connection breaks', () => {
  it('says that the database is away, at whichever statement that is noticed', async () => {
    const failures: unknown[] = [];
    const transaction = stores.database.transaction(async (query) => {
      const [{ pid } = { pid: 0 }] = await ask(query);
      await stores.sql('SELECT pg_terminate_backend($1)', [pid]);
      // The first one meets the end of the connection, the second a client that is known to have none.
      while (failures.length < 2) await ask(query).catch((error: unknown) => failures.push(error));
      return true;
    });
    await expect(transaction).rejects.toBeInstanceOf(DatabaseUnavailable);
    expect(failures).toEqual([expect.any(DatabaseUnavailable), expect.any(DatabaseUnavailable)]);
  });
});

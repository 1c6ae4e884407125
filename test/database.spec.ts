import { beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable, type Query } from '../src/database.js';
import { openStores, type Stores } from './support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

const ask = (query: Query) => query<{ pid: number }>({ name: '', text: 'SELECT pg_backend_pid() AS pid' });

describe('a transaction', () => {
  it('says that the database is away when its client is known to have no connection any more', async () => {
    const transaction = stores.database.transaction(async (query) => {
      const [{ pid } = { pid: 0 }] = await ask(query);
      await stores.sql('SELECT pg_terminate_backend($1)', [pid]);
      // The server says goodbye to the first, the socket ends under the second; the COMMIT finds a client that knows.
      for (let failures = 0; failures < 2;) await ask(query).catch(() => failures++);
      return true;
    });
    await expect(transaction).rejects.toBeInstanceOf(DatabaseUnavailable);
  });
});

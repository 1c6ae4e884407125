import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import type { Pool } from 'pg';
import { QueryFailedError } from 'typeorm';
import { NIL } from 'uuid';
import { dataSourceOptions } from '../../src/app/data-source.js';
import type { Query } from '../../src/platform/database/database.js';
import { DatabaseUnavailable } from '../../src/platform/database/outages.js';
import { DaybookDataSource } from '../../src/platform/database/daybook-data-source.js';
import { fromJsonColumn, jsonColumn } from '../../src/platform/database/json-column.js';
import { RequestRecord } from '../../src/requests/request.entity.js';
import { openStores, type Stores } from '../support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

const ask = (query: Query) => query<{ pid: number }>({ name: '', text: 'SELECT pg_backend_pid() AS pid' });

describe('a transaction', () => {
  it('throws DatabaseUnavailable when its client has lost the connection', async () => {
    const transaction = stores.database.transaction(async (query) => {
      const [{ pid } = { pid: 0 }] = await ask(query);
      await stores.sql('SELECT pg_terminate_backend($1)', [pid]);
      // The first termination is announced by the server, the second by the closed socket; COMMIT runs on a closed
      // client.
      for (let failures = 0; failures < 2;) await ask(query).catch(() => failures++);
      return true;
    });
    await expect(transaction).rejects.toBeInstanceOf(DatabaseUnavailable);
  });
});

describe('a connection that breaks without a statement in flight', () => {
  it('does not terminate the process', async () => {
    const { master } = stores.dataSource.driver as unknown as { master: Pool };
    const client = await master.connect();
    // Not with `once` of node:events, which would also listen to errors.
    const ended = new Promise((resolve) => client.once('end', () => resolve(undefined)));
    // Destroys the socket, because PgBouncer would hide a close by the server.
    (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
    await ended;
    client.release(true);
    expect(await ask(stores.database.query)).toHaveLength(1);
  });
});

describe('a repository', () => {
  it('throws DatabaseUnavailable when its connection breaks, and other errors unchanged', async () => {
    const dataSource = await new DaybookDataSource(dataSourceOptions(stores.url, 1)).initialize();
    const repository = dataSource.getRepository(RequestRecord);
    try {
      await expect(repository.query('SELECT nothing')).rejects.toBeInstanceOf(QueryFailedError);
      expect(await repository.findBy({ id: NIL })).toEqual([]);
      const kill = repository.query('SELECT pg_terminate_backend(pg_backend_pid())');
      await expect(kill).rejects.toBeInstanceOf(DatabaseUnavailable);
    } finally {
      await dataSource.destroy();
    }
  });
});

describe('a column of JSON texts', () => {
  const sent = (texts: (string | null)[]) =>
    stores.sql<{ text: string | null }>(`SELECT unnest(${fromJsonColumn('$1::text')}) AS text`, [jsonColumn(texts)]);

  it('passes any JSON text and null to the database unchanged', async () => {
    const awkward = ['"', '\\', '\u0001', '\u0000', '\n', ',', '{}', 'NULL', '', 'é😀', '\ud800'];
    const texts = [null, ...awkward.map((text) => JSON.stringify({ [text]: text })), null];
    expect((await sent(texts)).map(({ text }) => text)).toEqual(texts);
    expect(await sent([])).toEqual([]);
  });
});

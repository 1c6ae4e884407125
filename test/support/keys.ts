import { DataSource } from 'typeorm';
import { ApiKeysService } from '../../src/accounts/api-keys.service.js';
import { ApiKeysStore } from '../../src/accounts/api-keys.store.js';
import type { Scope } from '../../src/http/scopes.js';
import { dataSourceOptions } from '../../src/app/data-source.js';
import { Database } from '../../src/platform/database/database.js';
import type { Daybook } from './daybook.js';

/** A key that was made in a service's database, and the header that bears it. */
export interface TestKey {
  id: string;
  key: string;
  headers: { authorization: string };
}

/** Makes a key as the command line does: without asking the service. */
export async function createKey(
  { databaseUrl }: Pick<Daybook, 'databaseUrl'>,
  scopes: Scope[],
  { account = 'default', expiresInMs = null }: { account?: string; expiresInMs?: number | null } = {},
): Promise<TestKey> {
  const dataSource = await new DataSource(dataSourceOptions(databaseUrl!, 2)).initialize();
  try {
    const keys = new ApiKeysService(new ApiKeysStore(new Database(dataSource, { DATABASE_PREPARE: false })));
    const made = (await keys.create({ name: 'test', account, scopes, expiresInMs })) as { id: string; key: string };
    return { ...made, headers: { authorization: `Bearer ${made.key}` } };
  } finally {
    await dataSource.destroy();
  }
}

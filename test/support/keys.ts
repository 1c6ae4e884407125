import { DataSource } from 'typeorm';
import { ApiKeysService } from '../../src/accounts/api-keys.service.js';
import { Account } from '../../src/accounts/account.entity.js';
import { ApiKey } from '../../src/accounts/api-key.entity.js';
import { ApiKeyRepository } from '../../src/accounts/api-key.repository.js';
import { CallbackSecret } from '../../src/callbacks/signing/callback-secret.entity.js';
import { CallbackSecretRepository } from '../../src/callbacks/signing/callback-secret.repository.js';
import { FirstCallbackSecret } from '../../src/callbacks/signing/first-callback-secret.js';
import type { Scope } from '../../src/http/scopes.js';
import { PooledSession } from '../../src/platform/database/session.js';
import type { Daybook } from './daybook.js';

/** An API key in the database of a service, and its header. */
export interface TestKey {
  id: string;
  key: string;
  headers: { authorization: string };
}

/** Creates a key like the command line does, directly in the database. */
export async function createKey(
  { databaseUrl }: Pick<Daybook, 'databaseUrl'>,
  scopes: Scope[],
  { account = 'default', expiresInMs = null }: { account?: string; expiresInMs?: number | null } = {},
): Promise<TestKey> {
  const dataSource = await new DataSource({
    type: 'postgres',
    url: databaseUrl!,
    // Only what a key needs: with all entities of the service, this takes three times as long.
    entities: [Account, ApiKey, CallbackSecret],
    poolSize: 2,
    extra: { Client: PooledSession },
  }).initialize();
  try {
    const keys = new ApiKeyRepository(dataSource.getRepository(ApiKey), dataSource.getRepository(Account));
    const secrets = new CallbackSecretRepository(dataSource.getRepository(CallbackSecret));
    const made = (await new ApiKeysService(keys, new FirstCallbackSecret(secrets)).create({
      name: 'test',
      account,
      scopes,
      expiresInMs,
    })) as {
      id: string;
      key: string;
    };
    return { ...made, headers: { authorization: `Bearer ${made.key}` } };
  } finally {
    await dataSource.destroy();
  }
}

import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import type { Config } from '../platform/config/config.js';
import { dataSourceOptions, migrate } from '../app/data-source.js';
import { isWorthWaitingFor } from '../platform/database/outages.js';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { reasonOf } from '../app/open-database.js';
import { StartError } from '../platform/errors.js';
import { ApiKeysService } from '../accounts/api-keys.service.js';
import { Account } from '../accounts/account.entity.js';
import { ApiKey } from '../accounts/api-key.entity.js';
import { ApiKeyRepository } from '../accounts/api-key.repository.js';
import { newId } from '../platform/ids.js';
import { shortText } from '../requests/actions/action-detail.js';
import { ActionRecord } from '../requests/actions/action.entity.js';
import { ActionRepository, type NewAction } from '../requests/actions/action.repository.js';

/** Opens the database that the service uses with these settings. */
async function open({ DATABASE_URL, DATA_DIR }: Config): Promise<{ url: string; close: () => Promise<void> }> {
  if (DATABASE_URL) return { url: DATABASE_URL, close: () => Promise.resolve() };
  if (!existsSync(join(DATA_DIR, 'postgres'))) {
    // A key in a new database would be of no use.
    throw new StartError(
      `There is no database: DATABASE_URL is not set, and no embedded Postgres is in ${DATA_DIR}. Start the service ` +
        'once (npm start), or set DATABASE_URL or DATA_DIR as it has them.',
    );
  }
  const postgres = await startEmbeddedPostgres({ dataDir: DATA_DIR, log: () => undefined }).catch((error: unknown) => {
    throw error instanceof EmbeddedPostgresError ? new StartError(error.message) : error;
  });
  return { url: postgres.url, close: () => postgres.stop() };
}

/** What the command line did to a key, for the action log. */
export interface KeyAction {
  name: string;
  target: string;
  detail: Record<string, unknown> | null;
}

/**
 * Runs a command on the keys in the database of the given settings, in one transaction with its entry in the action log.
 * @param run Returns what it did, or null if it changed nothing.
 * @throws StartError if the database is unavailable.
 */
export async function withKeys(
  config: Config,
  run: (keys: ApiKeysService) => Promise<KeyAction | null>,
): Promise<void> {
  const { url, close } = await open(config);
  try {
    await migrate(url).catch((error: unknown) => {
      const what = isWorthWaitingFor(error) ? 'cannot be reached; start it, or correct DATABASE_URL' : 'refuses';
      throw new StartError(`Postgres at ${new URL(url).host} ${what}: ${reasonOf(error)}`);
    });
    const dataSource = await new DataSource(dataSourceOptions(url, 2)).initialize();
    try {
      await dataSource.transaction(async (manager) => {
        const keys = new ApiKeyRepository(manager.getRepository(ApiKey), manager.getRepository(Account));
        const action = await run(new ApiKeysService(keys));
        if (action) await new ActionRepository(manager.getRepository(ActionRecord)).add(entryOf(action), 0);
      });
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await close();
  }
}

function entryOf({ name, target, detail }: KeyAction): NewAction {
  return {
    id: newId(),
    accountId: null,
    actorKind: 'command-line',
    actorId: null,
    actorName: shortText(userName()),
    action: name,
    target,
    detail,
    outcome: 'succeeded',
    status: null,
    requestId: null,
    address: null,
  };
}

/** The user of the operating system, or its number if it has no name, as in many containers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

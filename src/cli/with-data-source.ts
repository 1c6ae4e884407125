import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { dataSourceOptions, migrate } from '../app/data-source.js';
import { reasonOf } from '../app/open-database.js';
import type { Config } from '../platform/config/config.js';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { isWorthWaitingFor } from '../platform/database/outages.js';
import { StartError } from '../platform/errors.js';

/** Opens the database that the service uses with these settings. */
async function open({ DATABASE_URL, DATA_DIR }: Config): Promise<{ url: string; close: () => Promise<void> }> {
  if (DATABASE_URL) return { url: DATABASE_URL, close: () => Promise.resolve() };
  if (!existsSync(join(DATA_DIR, 'postgres'))) {
    // A new database would not be the one of the service.
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

/**
 * Runs work in the database of the given settings, once it has all migrations.
 * @throws StartError if the database is unavailable.
 */
export async function withDataSource<Result>(
  config: Config,
  work: (dataSource: DataSource) => Promise<Result>,
): Promise<Result> {
  const { url, close } = await open(config);
  try {
    const session = await migrate(url).catch((error: unknown) => {
      const what = isWorthWaitingFor(error) ? 'cannot be reached; start it, or correct DATABASE_URL' : 'refuses';
      throw new StartError(`Postgres at ${new URL(url).host} ${what}: ${reasonOf(error)}`);
    });
    const dataSource = await new DataSource(dataSourceOptions(url, 2, session)).initialize();
    try {
      return await work(dataSource);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await close();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggerService } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { migrate } from './data-source.js';
import { isConnectionError } from '../platform/database/outages.js';
import { startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { StartError } from '../platform/errors.js';

/** How often a database that is away is tried again, and how often that is said. */
const RETRY_MS = 1_000;
const SAY_EVERY_MS = 10_000;

export interface OpenDatabase {
  url: string;
  /** For people: where the data is. */
  description: string;
  /** Stops what was started here. */
  close(): Promise<void>;
}

/**
 * The database of the settings, brought up to date: the one at `DATABASE_URL`, waited for as long as it is away, or an
 * embedded one.
 * @throws StartError when waiting would not help (a wrong password, an unknown database).
 */
export async function openDatabase(config: Config, logger: LoggerService): Promise<OpenDatabase> {
  if (config.DATABASE_URL) {
    await migrateWhenThere(config.DATABASE_URL, logger);
    const { host, pathname } = new URL(config.DATABASE_URL);
    return { url: config.DATABASE_URL, description: `Postgres at ${host}${pathname}`, close: async () => undefined };
  }
  const postgres = await startEmbeddedPostgres({
    dataDir: config.DATA_DIR,
    log: (line) => logger.log(line, 'Postgres'),
  });
  await migrateWhenThere(postgres.url, logger).catch(async (error: unknown) => {
    await postgres.stop();
    throw error;
  });
  return {
    url: postgres.url,
    description: `embedded Postgres in ${postgres.directory}`,
    close: () => postgres.stop(),
  };
}

async function migrateWhenThere(url: string, logger: LoggerService): Promise<void> {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      return await migrate(url);
    } catch (error) {
      const reason = reasonOf(error);
      if (!isConnectionError(error)) throw new StartError(`Postgres at ${new URL(url).host} refuses: ${reason}`);
      if (performance.now() - saidAtMs > SAY_EVERY_MS) {
        saidAtMs = performance.now();
        logger.warn(`Waiting for Postgres at ${new URL(url).host}: ${reason}`, 'Start');
      }
      await sleep(RETRY_MS);
    }
  }
}

/** A connection to a name with several addresses fails with all their errors in one, and no message of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggerService } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import type { Session } from '../platform/database/session.js';
import { migrate } from './data-source.js';
import { isWorthWaitingFor } from '../platform/database/outages.js';
import { startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { privateFolder } from '../platform/private-folder.js';
import { StartError } from '../platform/errors.js';

/** How often an unavailable database is tried again, and how often that is logged. */
const RETRY_MS = 1_000;
const LOG_EVERY_MS = 10_000;

export interface OpenDatabase {
  url: string;
  /** The class of its connections. */
  session: Session;
  /** Where the data is, for the log. */
  description: string;
  /** Stops the database, if this process started it. */
  close(): Promise<void>;
}

/**
 * Opens and migrates the database: the one at `DATABASE_URL`, for which it waits while it is unavailable, or an embedded one.
 * @param signal Gives up waiting.
 * @throws StartError when waiting would not help (a wrong password, an unknown database).
 */
export async function openDatabase(config: Config, logger: LoggerService, signal: AbortSignal): Promise<OpenDatabase> {
  if (config.DATABASE_URL) {
    narrowDataFolder(config.DATA_DIR);
    const url = config.DATABASE_URL;
    const session = await migrateWhenAvailable(url, logger, signal);
    const { host, pathname } = new URL(url);
    return { url, session, description: `Postgres at ${host}${pathname}`, close: async () => undefined };
  }
  const postgres = await startEmbeddedPostgres({
    dataDir: config.DATA_DIR,
    log: (line) => logger.log(line, 'Postgres'),
  });
  const session = await migrateWhenAvailable(postgres.url, logger, signal).catch(async (error: unknown) => {
    await postgres.stop();
    throw error;
  });
  return {
    url: postgres.url,
    session,
    description: `embedded Postgres in ${postgres.directory}`,
    close: () => postgres.stop(),
  };
}

/** The embedded Postgres does this itself, because its user may have to pass through. @throws StartError */
function narrowDataFolder(path: string): void {
  try {
    privateFolder(path);
  } catch (error) {
    // A folder that cannot be created stops the start of the storage, which gives the reason.
    if (error instanceof StartError) throw error;
  }
}

async function migrateWhenAvailable(url: string, logger: LoggerService, signal: AbortSignal): Promise<Session> {
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      return await migrate(url);
    } catch (error) {
      const reason = reasonOf(error);
      if (error instanceof StartError) throw error;
      if (!isWorthWaitingFor(error)) throw new StartError(`Postgres at ${new URL(url).host} refuses: ${reason}`);
      if (performance.now() - loggedAtMs > LOG_EVERY_MS) {
        loggedAtMs = performance.now();
        logger.warn(`Waiting for Postgres at ${new URL(url).host}: ${reason}`, 'Start');
      }
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** A failed connection to a name with several addresses is one AggregateError without a message of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

import { DataSource } from 'typeorm';
import { readConfig } from './src/platform/config/config.js';
import { dataSourceOptions } from './src/app/data-source.js';
import { startEmbeddedPostgres } from './src/platform/database/embedded/embedded-postgres.js';

/** The database that the service itself would use: `DATABASE_URL`, else the embedded one, which is left running. */
async function databaseUrl(): Promise<string> {
  const config = readConfig();
  if (config.DATABASE_URL) return config.DATABASE_URL;
  const postgres = await startEmbeddedPostgres({ dataDir: config.DATA_DIR, log: console.error });
  return postgres.url;
}

/** For the TypeORM command line: `npm run migration:run`, `migration:revert`, `migration:generate`. */
export default databaseUrl().then((url) => new DataSource(dataSourceOptions(url)));

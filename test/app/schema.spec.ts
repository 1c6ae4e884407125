import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/app/data-source.js';
import { Database } from '../../src/platform/database/database.js';
import { RequestStore } from '../../src/requests/request.store.js';
import { DATABASE_SETTINGS, createDatabase } from '../support/database.js';
import { REQUEST_TABLES } from '../support/tables.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let url: string;
let dataSource: DataSource;

beforeAll(async () => {
  ({ url } = await createDatabase());
  dataSource = await new DataSource(dataSourceOptions(url)).initialize();
});

afterAll(() => dataSource.destroy());

async function tables(): Promise<string[]> {
  const rows: { tablename: string }[] = await dataSource.query(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations' ORDER BY tablename`,
  );
  return rows.map(({ tablename }) => tablename);
}

/** The promise: the migrations are the schema; entities, migrations and the command line agree about it. */
describe('the schema', () => {
  it('has the tables of the entities and no difference from them', async () => {
    const expected = dataSource.entityMetadatas.map(({ tableName }) => tableName).toSorted();
    expect(await tables()).toEqual(expected);
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('goes down to nothing, migration by migration, and up again', async () => {
    const before = await tables();
    for (const _ of dataSource.migrations) await dataSource.undoLastMigration();
    expect(await tables()).toEqual([]);
    await dataSource.runMigrations();
    expect(await tables()).toEqual(before);
  });

  it('knows after its migration which positions were cancelled before it, also of requests that are gone', async () => {
    while ((await tables()).includes('cancelled_positions')) await dataSource.undoLastMigration();
    // Position 3 was cancelled, 5 was cancelled and deleted; before the head nothing needs to be known.
    await dataSource.query(`INSERT INTO lanes (name, next_position, pending) VALUES ('old', 8, 4), ('done', 3, 0)`);
    await dataSource.query(`INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload)
      SELECT gen_random_uuid(), 'async', status, 'digest', 'csv', lane, position, '{}' FROM (VALUES
        ('old', 1, 'COMPLETED'), ('old', 2, 'PENDING'), ('old', 3, 'CANCELLED'), ('old', 4, 'PENDING'), ('old', 6, 'PENDING'),
        ('old', 7, 'PENDING'), ('done', 1, 'COMPLETED'), ('done', 2, 'CANCELLED')) AS made (lane, position, status)`);
    await dataSource.runMigrations();
    const rows = await dataSource.query(
      'SELECT lane, queue_position AS position FROM cancelled_positions ORDER BY 1, 2',
    );
    expect(rows.map(({ lane, position }: { lane: string; position: string }) => [lane, Number(position)])).toEqual([
      ['old', 3],
      ['old', 5],
    ]);
    const store = new RequestStore(new Database(dataSource, DATABASE_SETTINGS));
    expect(await Promise.all([2, 4, 6, 7].map((position) => store.jobsAhead('old', position)))).toEqual([0, 1, 2, 3]);
    await dataSource.query(`TRUNCATE lanes, ${REQUEST_TABLES} CASCADE`);
  });

  it('is made by every file in migrations/', () => {
    const files = readdirSync(new URL('../../migrations/', import.meta.url)).map((file) => file.split('-')[0]);
    const listed = dataSource.migrations.map((migration) => /\d+$/.exec(migration.constructor.name)?.[0]);
    expect(new Set(listed)).toEqual(new Set(files));
    expect(listed).toHaveLength(files.length);
  });
});

describe("TypeORM's command line", () => {
  it('reads ormconfig: run, show and revert', async () => {
    const { url: databaseUrl } = await createDatabase();
    const typeorm = async (command: string): Promise<string> => {
      const args = ['node_modules/typeorm/cli.js', command, '-d', 'dist/ormconfig.js'];
      const env = { PATH: process.env.PATH, DATABASE_URL: databaseUrl };
      // `migration:show` says with its exit code whether something is left to run.
      const ran = promisify(execFile)(process.execPath, args, { cwd: root, env });
      return (await ran.catch((error: { stdout: string }) => error)).stdout;
    };
    expect(await typeorm('migration:show')).toMatch(/\[X\] .*InitialSchema/);
    expect(await typeorm('migration:revert')).toMatch(/has been reverted successfully/);
    expect(await typeorm('migration:run')).toMatch(/has been executed successfully/);
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    const { rows } = await client.query(`SELECT count(*)::integer AS count FROM migrations`);
    await client.end();
    expect(rows[0].count).toBe(dataSource.migrations.length);
  });
});

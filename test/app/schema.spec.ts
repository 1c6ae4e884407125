import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/app/data-source.js';
import { createDatabase } from '../support/database.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let url: string;
let dataSource: DataSource;

beforeAll(async () => {
  ({ url } = await createDatabase());
  dataSource = await new DataSource(dataSourceOptions(url)).initialize();
});

afterAll(() => dataSource.destroy());

/** Returns the tables, without those of TypeORM itself. */
async function tables(): Promise<string[]> {
  const rows: { tablename: string }[] = await dataSource.query(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('migrations', 'typeorm_metadata')
      ORDER BY tablename`,
  );
  return rows.map(({ tablename }) => tablename);
}

/** Migrations, entities and TypeORM's command line agree about the schema. */
describe('the schema', () => {
  it('matches the entities', async () => {
    const expected = dataSource.entityMetadatas.map(({ tableName }) => tableName).toSorted();
    expect(await tables()).toEqual(expected);
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('reverts to an empty schema, one migration at a time, and migrates again', async () => {
    const before = await tables();
    for (const _ of dataSource.migrations) await dataSource.undoLastMigration();
    expect(await tables()).toEqual([]);
    await dataSource.runMigrations();
    expect(await tables()).toEqual(before);
  });

  it('is created by every file in migrations/', () => {
    const files = readdirSync(new URL('../../migrations/', import.meta.url))
      .filter((file) => file !== 'index.ts')
      .map((file) => file.split('-')[0]);
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
      // `migration:show` exits with 1 if a migration is pending.
      const ran = promisify(execFile)(process.execPath, args, { cwd: root, env });
      return (await ran.catch((error: { stdout: string }) => error)).stdout;
    };
    expect(await typeorm('migration:show')).toMatch(/\[X\] .*Baseline/);
    expect(await typeorm('migration:revert')).toMatch(/has been reverted successfully/);
    expect(await typeorm('migration:run')).toMatch(/has been executed successfully/);
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    const { rows } = await client.query(`SELECT count(*)::integer AS count FROM migrations`);
    await client.end();
    expect(rows[0].count).toBe(dataSource.migrations.length);
  });
});

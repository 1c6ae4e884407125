import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Settings of the stores. Behind PgBouncer (see services.js) they cannot use named statements. */
export const DATABASE_SETTINGS = { DATABASE_PREPARE: !process.env.TEST_POOLED_URL };
/** The same settings as environment variables. */
export const DATABASE_ENVIRONMENT = { DATABASE_PREPARE: DATABASE_SETTINGS.DATABASE_PREPARE ? 'on' : 'off' };

export interface TestDatabase {
  readonly url: string;
  /** Drops the database and disconnects its clients. Safe to call twice. */
  readonly drop: () => Promise<void>;
}

/** Creates a migrated, empty database for one test file. */
export async function createDatabase(): Promise<TestDatabase> {
  const template = process.env.TEST_TEMPLATE_DATABASE!;
  // The prefix of the run, by which services.js finds databases that a test did not drop.
  const name = template.replace('template', randomBytes(6).toString('hex'));
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(process.env.TEST_POOLED_URL ?? process.env.TEST_DATABASE_URL!);
  url.pathname = name;
  return { url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function onServer(sql: string): Promise<void> {
  const client = new Client({ connectionString: process.env.TEST_DATABASE_URL! });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** What the stores must be told: a run through PgBouncer, see services.js, can use no named statements. */
export const DATABASE_SETTINGS = { DATABASE_PREPARE: !process.env.TEST_POOLED_URL };
/** The same for the environment of a process. */
export const DATABASE_ENVIRONMENT = { DATABASE_PREPARE: DATABASE_SETTINGS.DATABASE_PREPARE ? 'on' : 'off' };

export interface TestDatabase {
  readonly url: string;
  /** Throws out whoever is still connected. May be called twice. */
  readonly drop: () => Promise<void>;
}

/** A migrated, empty database for one test file. */
export async function createDatabase(): Promise<TestDatabase> {
  const template = process.env.TEST_TEMPLATE_DATABASE!;
  // The template's name begins every name, so that the run also clears away what a test forgot.
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

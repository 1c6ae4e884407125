import pg from 'pg';
import { StartError } from '../errors.js';

/**
 * Settings that every connection begins with, because the driver and the statements rely on them. `ALTER ROLE … SET` and
 * `ALTER DATABASE … SET` may have others as their defaults. Every transaction-pooling pooler keeps these for its clients.
 */
const STARTUP = { DateStyle: 'ISO, MDY', TimeZone: 'UTC', standard_conforming_strings: 'on' };

/** Further ones, which most poolers refuse to take from a client. The names are those of `pg_settings`. */
const OPTIONS: Readonly<Record<string, string>> = {
  // Statements lock rows and then read what others have committed meanwhile.
  default_transaction_isolation: 'read committed',
  // Otherwise null in an array parameter is the text "NULL".
  array_nulls: 'on',
  exit_on_error: 'off',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
};
/** {@link OPTIONS} without which results are wrong. The others change only the form of values that no statement returns. */
const REQUIRED_OPTIONS = ['default_transaction_isolation', 'array_nulls', 'exit_on_error'];

/** The settings that are checked at the start, with the values that work; the first is the usual one. */
const EXPECTED: Readonly<Record<string, string[]>> = {
  DateStyle: [STARTUP.DateStyle],
  standard_conforming_strings: ['on'],
  server_encoding: ['UTF8'],
  // Otherwise foreign keys are not enforced.
  session_replication_role: ['origin'],
  // Otherwise a crash of Postgres loses requests that were accepted.
  synchronous_commit: ['on', 'local', 'remote_write', 'remote_apply'],
  ...Object.fromEntries(REQUIRED_OPTIONS.map((name) => [name, [OPTIONS[name]!]])),
};

/** The client of node-postgres with a method that its types omit: the parameters of the startup message. */
const StartupClient = pg.Client as unknown as new (config: pg.ClientConfig) => pg.Client & {
  getStartupConf(): Record<string, string>;
};

/** A connection with the settings that a pooler lets through. */
export class PooledSession extends StartupClient {
  override getStartupConf(): Record<string, string> {
    return { ...super.getStartupConf(), ...STARTUP };
  }
}

/** A connection with all settings. Poolers refuse it. */
export class DirectSession extends PooledSession {
  override getStartupConf(): Record<string, string> {
    const conf = super.getStartupConf();
    return { ...conf, options: [conf.options, ...asOptions(OPTIONS)].filter(Boolean).join(' ') };
  }
}

/** A direct connection for migrations, which may take longer than the statements of the service. */
export class MigrationSession extends DirectSession {
  override getStartupConf(): Record<string, string> {
    const conf = super.getStartupConf();
    const patient = { statement_timeout: '0', idle_in_transaction_session_timeout: '0' };
    return { ...conf, options: [conf.options, ...asOptions(patient)].join(' ') };
  }
}

/** The class of the connections of a data source. */
export type Session = typeof PooledSession;

/** In `options`, a backslash escapes a space (Postgres manual, "Connection settings", PGOPTIONS). */
function asOptions(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`);
}

/** How poolers name the parameter that they do not support. */
const REFUSED_BY_POOLER = /startup parameter|command-line options/i;

/**
 * Finds the connections that a server accepts, and checks their settings.
 * @throws StartError for a setting that the service cannot work with and cannot change; the error of the connection.
 */
export async function negotiateSession(connectionString: string, timeoutMs: number): Promise<Session> {
  try {
    await check(DirectSession, connectionString, timeoutMs);
    return DirectSession;
  } catch (error) {
    if (!(error instanceof Error) || !REFUSED_BY_POOLER.test(error.message)) throw error;
    await check(PooledSession, connectionString, timeoutMs);
    return PooledSession;
  }
}

async function check(Connection: Session, connectionString: string, connectionTimeoutMillis: number): Promise<void> {
  const client = new Connection({ connectionString, connectionTimeoutMillis });
  // The errors of a connection also reject its statements.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const text = 'SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[])';
    const { rows } = await client.query<{ name: string; setting: string }>(text, [Object.keys(EXPECTED)]);
    const wrong = rows.find(({ name, setting }) => !EXPECTED[name]!.includes(setting));
    if (wrong) throw new StartError(refusal(wrong.name, wrong.setting));
  } finally {
    await client.end().catch(() => undefined);
  }
}

function refusal(name: string, setting: string): string {
  const [needed] = EXPECTED[name]!;
  const said = `The database has ${name} = '${setting}', and Daybook needs '${needed}'`;
  if (name === 'server_encoding') return `${said}: create it with ENCODING '${needed}'`;
  return `${said}: ALTER ROLE or ALTER DATABASE … SET ${name} = '${needed}'`;
}

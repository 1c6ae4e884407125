import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DaybookError } from '../errors.js';
import { logOnce } from '../observability/log-once.js';
import { type Statement, type Values, positional } from './named-parameters.js';

export type { Statement } from './named-parameters.js';

// Positions and counts are int8; they stay far below 2^53, and a string would sort and add wrongly.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Postgres cannot be reached or is going down. What was asked may be asked again. */
export class DatabaseUnavailable extends DaybookError {
  readonly code = 'database-unavailable';
  override readonly retryAfterS = 5;
  constructor(cause: unknown) {
    super('The database cannot be reached right now. Try again shortly.', { cause });
  }
}

/** Runs a statement and returns its rows. */
export type Query = <Row extends object, Name extends string = never>(
  statement: Statement<Name>,
  values?: Values<NoInfer<Name>>,
) => Promise<Row[]>;

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EPIPE',
  'EAI_AGAIN',
  'ENOENT',
]);

/** Whether an error says that the server is away (SQLSTATE classes 08, 53, 57P and the socket's own errors). */
export function isConnectionError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  if (CONNECTION_CODES.has(code) || /^(08|53|57P)/.test(code)) return true;
  return /Connection terminated|is not queryable|timeout exceeded when trying to connect|connection timeout/i.test(
    error.message,
  );
}

const logOutage = logOnce(new Logger('Database'), 'Postgres is unavailable');

/** Maps the error of a statement: an outage becomes {@link DatabaseUnavailable}, any other error is returned unchanged. */
export function mapOutage(error: unknown): unknown {
  if (!isConnectionError(error)) return error;
  logOutage(error);
  return new DatabaseUnavailable(error);
}

/** Whether one of the values given was at fault (SQLSTATE classes 22 and 23), not the statement or the server. */
export function isDataError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code));
}

/** How long finished work waits for a database that is away before it is given up and done again later. */
const OUTAGE_LIMIT_MS = 60_000;
const OUTAGE_RETRY_MS = 250;

/**
 * Repeats a write while the server is away. Only for writes that may be made twice: the connection can also break
 * between commit and answer.
 */
export async function throughOutage<T>(write: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + OUTAGE_LIMIT_MS;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      const isAway = error instanceof DatabaseUnavailable || isConnectionError(error);
      if (!isAway || performance.now() > giveUpAtMs) throw error;
      await setTimeout(OUTAGE_RETRY_MS);
    }
  }
}

const ignore = (): void => undefined;

/** Runs the stores' statements on the pool that TypeORM opened. */
@Injectable()
export class Database {
  private readonly pool: pg.Pool;

  constructor(
    dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Pick<Config, 'DATABASE_PREPARE'>,
  ) {
    // TypeORM types its driver's pool as any; it is node-postgres' own.
    this.pool = (dataSource.driver as unknown as { master: pg.Pool }).master;
    // Who uses a client hears from its statements that the connection broke. The pool listens only to clients that are idle,
    // and an error that nobody listens to ends the process.
    this.pool.on('acquire', (client) => {
      if (!client.listeners('error').includes(ignore)) client.on('error', ignore);
    });
  }

  /** Connections of this process, and the statements that wait for one. */
  get connections(): { open: number; idle: number; waiting: number } {
    return { open: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  /** @throws DatabaseUnavailable when the server is away. */
  readonly query: Query = (statement, values) => this.run(this.pool, statement, values);

  /** Runs statements on a connection of the pool that somebody else has taken. */
  on(client: pg.ClientBase): Query {
    return (statement, values) => this.run(client, statement, values);
  }

  /**
   * Runs statements in one transaction, and commits it if the work gives true.
   * @throws DatabaseUnavailable when the server is away.
   */
  async transaction(work: (query: Query) => Promise<boolean>): Promise<boolean> {
    const client = await this.pool.connect().catch((error: unknown) => this.fail(error));
    let isUsable = false;
    try {
      await client.query('BEGIN');
      const isToKeep = await work(this.on(client));
      await client.query(isToKeep ? 'COMMIT' : 'ROLLBACK');
      isUsable = true;
      return isToKeep;
    } catch (error) {
      return this.fail(error);
    } finally {
      // A connection in an unknown state is not used again; closing it rolls back.
      client.release(!isUsable);
    }
  }

  private async run<Row extends object, Name extends string>(
    on: pg.Pool | pg.ClientBase,
    statement: Statement<Name>,
    values?: Values<Name>,
  ): Promise<Row[]> {
    const name = this.config.DATABASE_PREPARE ? statement.name : undefined;
    try {
      const query = { name, text: statement.text, values: positional(statement, values) };
      const { rows } = await on.query<Row & pg.QueryResultRow>(query);
      return rows;
    } catch (error) {
      return this.fail(error);
    }
  }

  /** @throws DatabaseUnavailable when the server is away, else the error itself. */
  private fail(error: unknown): never {
    throw mapOutage(error);
  }
}

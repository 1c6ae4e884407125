import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { DataSource } from 'typeorm';
import { KeyedLimiter } from '../concurrency/keyed-limiter.js';
import { CONFIG, type Config } from '../config/config.js';
import { AccountBusy } from './account-busy.js';
import { type Statement, type Values, positional } from './named-parameters.js';
import { asOutage, isOutage, mapOutage, throughConflicts } from './outages.js';

export type { Statement } from './named-parameters.js';

// Positions and counts are int8 and stay far below 2^53; as strings they would sort and add wrongly.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Runs a statement and returns its rows. */
export type Query = <Row extends object, Name extends string = never>(
  statement: Statement<Name>,
  values?: Values<NoInfer<Name>>,
) => Promise<Row[]>;

/**
 * Copies rows into a table, which is the fastest way to insert many.
 * @param statement `COPY … FROM STDIN`.
 * @param rows In COPY's text format, in pieces of any length.
 */
export type Copy = (statement: string, rows: Iterable<string>) => Promise<void>;

/** The part of the connections that the transactions of one account may take. */
const SHARE_OF_ACCOUNT = 1 / 4;
/** One transaction of an account has the locks, and the next is ready for them. */
const MIN_OF_ACCOUNT = 2;
/** Bounds of the transactions of one account that wait. */
const WAITING_OF_ACCOUNT = { maxWaiting: 1_000, waitMs: 30_000 };

const ignore = (): void => undefined;
const isTrue = (): boolean => true;
const isFalse = (): boolean => false;

/** Runs the statements of the stores on TypeORM's connection pool. */
@Injectable()
export class Database {
  private readonly pool: pg.Pool;
  private readonly clients = new Set<pg.PoolClient>();
  private readonly accounts: KeyedLimiter;

  constructor(
    dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Pick<Config, 'DATABASE_PREPARE'>,
  ) {
    // TypeORM declares no type for its driver's pool, which is that of node-postgres.
    this.pool = (dataSource.driver as unknown as { master: pg.Pool }).master;
    const concurrency = Math.max(MIN_OF_ACCOUNT, Math.floor(this.pool.options.max * SHARE_OF_ACCOUNT));
    this.accounts = new KeyedLimiter({ concurrency, ...WAITING_OF_ACCOUNT }, () => new AccountBusy());
    this.pool.on('connect', (client) => this.clients.add(client));
    this.pool.on('remove', (client) => this.clients.delete(client));
    // A broken connection rejects the statements of its client, and also emits an error. The pool listens to it only while
    // the client is idle, and an error event without a listener would end the process.
    this.pool.on('acquire', (client) => {
      if (!client.listeners('error').includes(ignore)) client.on('error', ignore);
    });
  }

  /** The connections of this process, and the number of statements that wait for one. */
  get connections(): { open: number; idle: number; waiting: number } {
    return { open: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  /** Closes every connection, whatever runs on it: for a process that stops without waiting for its work. */
  disconnect(): void {
    for (const client of this.clients) void (client as pg.PoolClient & { end(): Promise<void> }).end().catch(ignore);
  }

  /** Runs one statement, and again if Postgres has undone it because of a conflict. @throws DatabaseUnavailable */
  readonly query: Query = (statement, values) => this.mapped(() => this.run(this.pool, statement, values));

  /** Returns a function that runs statements on a connection that the caller has taken from the pool. */
  on(client: pg.ClientBase): Query {
    return async (statement, values) => {
      try {
        return await this.run(client, statement, values);
      } catch (error) {
        throw asOutage(error);
      }
    };
  }

  /**
   * Runs statements in one transaction, which is committed if `work` resolves with true, and else rolled back.
   * @param work Runs again from the start if Postgres has undone the transaction because of a conflict.
   * @returns what `work` resolved with.
   * @throws DatabaseUnavailable
   */
  transaction(work: (query: Query) => Promise<boolean>): Promise<boolean> {
    return this.mapped(() => this.transact(work));
  }

  /**
   * Runs statements in one transaction, which is committed when `work` resolves and rolled back when it rejects.
   * @param work Runs again from the start if Postgres has undone the transaction because of a conflict.
   * @returns what `work` resolved with.
   * @throws DatabaseUnavailable, and what `work` rejected with
   */
  async inTransaction<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
    let result: Result | undefined;
    await this.transaction(async (query) => {
      result = await work(query);
      return true;
    });
    return result as Result;
  }

  /**
   * The same as {@link inTransaction}, for work that locks rows of an account. The transactions of one account wait for each
   * other; they take at most a quarter of the connections, so that other accounts get the rest.
   * @throws AccountBusy when too many of the account wait, or this has waited too long for a connection
   */
  inTransactionOf<Result>(account: string, work: (query: Query) => Promise<Result>): Promise<Result> {
    return this.accounts.run(account, () => this.inTransaction(work));
  }

  /** The same as {@link inTransaction}, for work that also copies rows. */
  async inBulkTransaction<Result>(work: (query: Query, copy: Copy) => Promise<Result>): Promise<Result> {
    let result: Result | undefined;
    await this.mapped(() =>
      this.transact(async (query, client) => {
        result = await work(query, copyOn(client));
        return true;
      }),
    );
    return result as Result;
  }

  private async transact(work: (query: Query, client: pg.ClientBase) => Promise<boolean>): Promise<boolean> {
    const client = await this.pool.connect();
    let isUsable = false;
    try {
      await client.query('BEGIN');
      const isCommitted = await work(this.on(client), client);
      await client.query(isCommitted ? 'COMMIT' : 'ROLLBACK');
      isUsable = true;
      return isCommitted;
    } catch (error) {
      // A failed statement or an expected failure of the work is common, and should not cost a new connection.
      if (!isOutage(error)) isUsable = await client.query('ROLLBACK').then(isTrue, isFalse);
      throw error;
    } finally {
      // A connection in an unknown state is closed, which rolls back its transaction.
      client.release(!isUsable);
    }
  }

  private async run<Row extends object, Name extends string>(
    on: pg.Pool | pg.ClientBase,
    statement: Statement<Name>,
    values?: Values<Name>,
  ): Promise<Row[]> {
    const name = this.config.DATABASE_PREPARE ? statement.name : undefined;
    const query = { name, text: statement.text, values: positional(statement, values) };
    const { rows } = await on.query<Row & pg.QueryResultRow>(query);
    return rows;
  }

  /** @throws DatabaseUnavailable for an outage, else the error itself. */
  private async mapped<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await throughConflicts(run);
    } catch (error) {
      throw mapOutage(error);
    }
  }
}

function copyOn(client: pg.ClientBase): Copy {
  return async (text, rows) => {
    try {
      await pipeline(Readable.from(rows, { objectMode: false }), client.query(copyFrom(text)));
    } catch (error) {
      throw asOutage(error);
    }
  };
}

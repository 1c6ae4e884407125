import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { PooledSession } from './session.js';
import { type Sql, sql } from './sql.js';

/** Where reports read from, and for how long at most. It is plain data because it crosses to the worker thread. */
export interface ReadingOptions {
  /** The database of the service. */
  url: string;
  /** A replica to prefer; it is used while it is not behind. */
  replicaUrl?: string;
  timeoutMs: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** How often the server looks for a reader that is gone, because its report was ended. */
const CHECK_READER = '1s';

/** Gets bytes in order. When it returns a promise, nothing more is read until it resolves. */
export type Take = (bytes: Buffer) => Promise<void> | void;

/** The text of a JSON object has none of these control characters, so COPY writes it as it is. */
const VERBATIM = String.raw`FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02'`;

/** Tokens of JSON: strings, so that digits in them are not taken for numbers, and integers that may be beyond 2^53. */
const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.])/g;

const exact = (token: string): string =>
  token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : `"${token}"`;

/** Whether a snapshot has everything that a report needs. */
export type IsCurrent = (snapshot: Snapshot) => Promise<boolean>;

/**
 * One state of the database, read by one report on a connection of its own: a `REPEATABLE READ` transaction that is read only
 * and has the planner's defaults, unlike the connections of the service. It needs no session state, so that it works behind a
 * transaction-pooling PgBouncer. The server ends it at the timeout, and soon after the thread of the report has ended.
 */
export class Snapshot {
  private constructor(private readonly client: Client) {}

  /**
   * Opens a snapshot of the replica if there is one and it has what the report needs, else of the database of the service.
   * @throws The error of the connection.
   */
  static async open(options: ReadingOptions, isCurrent: IsCurrent): Promise<Snapshot> {
    if (options.replicaUrl !== undefined) {
      const replica = await Snapshot.ofReplica(options.replicaUrl, options.timeoutMs, isCurrent);
      if (replica) return replica;
    }
    return Snapshot.of(options.url, options.timeoutMs);
  }

  private static async ofReplica(url: string, timeoutMs: number, isCurrent: IsCurrent): Promise<Snapshot | null> {
    let snapshot: Snapshot | null = null;
    try {
      snapshot = await Snapshot.of(url, timeoutMs);
      if (await isCurrent(snapshot)) return snapshot;
    } catch {
      // Without the replica, the report reads from the database of the service.
    }
    await snapshot?.close();
    return null;
  }

  private static async of(connectionString: string, timeoutMs: number): Promise<Snapshot> {
    const client = new PooledSession({
      connectionString,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: 'daybook-report',
    });
    // The errors of a connection also reject its statements.
    client.on('error', () => undefined);
    await client.connect();
    const snapshot = new Snapshot(client);
    try {
      await client.query(
        `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = ${Math.ceil(timeoutMs)}`,
      );
      await snapshot.checkReader();
      return snapshot;
    } catch (error) {
      await snapshot.close();
      throw error;
    }
  }

  /** Without it, which not every system supports, the server notices only when it sends something. */
  private async checkReader(): Promise<void> {
    await this.client.query('SAVEPOINT reader');
    await this.client
      .query(`SET LOCAL client_connection_check_interval = '${CHECK_READER}'`)
      .catch(() => this.client.query('ROLLBACK TO SAVEPOINT reader'));
  }

  async rows<Row extends object>({ text }: Sql): Promise<Row[]> {
    const { rows } = await this.client.query<Row>(text);
    return rows;
  }

  /**
   * @returns The rows of a query as JSON has them: numbers of any type are numbers, and times are text. An integer beyond 2^53 is
   *   text too, because readers of JSON would round it.
   */
  async jsonRows(query: Sql): Promise<object[]> {
    const rows = await this.rows<{ json: string }>(sql`SELECT row_to_json(r)::text AS json FROM (${query}) r`);
    return rows.map(({ json }) => JSON.parse(json.replace(STRING_OR_LONG_INTEGER, exact)) as object);
  }

  /** Copies the rows of a query out as CSV with their names. @returns Their number. */
  copyCsv(query: Sql, take: Take): Promise<number> {
    return this.copy(query, 'FORMAT csv, HEADER', take);
  }

  /** Copies the rows of a query out in COPY's text format. @returns Their number. */
  copyText(query: Sql, take: Take): Promise<number> {
    return this.copy(query, 'FORMAT text', take);
  }

  /** Copies the rows of a query out as JSON objects, one on each line. @returns Their number. */
  copyJson(query: Sql, take: Take): Promise<number> {
    return this.copy(sql`SELECT row_to_json(r) FROM (${query}) r`, VERBATIM, take);
  }

  private async copy(query: Sql, options: string, take: Take): Promise<number> {
    const stream = this.client.query(copyTo(`COPY (${query.text}) TO STDOUT (${options})`));
    for await (const chunk of stream) {
      const taken = take(chunk as Buffer);
      if (taken) await taken;
    }
    return stream.rowCount;
  }

  /** Ends the transaction and the connection. */
  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }
}

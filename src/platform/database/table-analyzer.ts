import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../concurrency/sweeper.js';
import { Database, type Query } from './database.js';

/** Any number of its own, the same for every process of Daybook. */
const ANALYZE_LOCK = 4_820_111;

/** Pages below which a table is not analyzed: every plan is fast over so few rows. */
const MIN_PAGES = 8;

/**
 * Analyzes a hot table whenever it has doubled in size since it was last analyzed (decision 13). Postgres plans a prepared
 * statement once; while tables are small, a plan that reads a whole table looks cheapest, and it stays until ANALYZE
 * invalidates it. Autovacuum checks only once a minute, in which a busy table grows a thousandfold.
 */
@Injectable()
export class TableAnalyzer implements OnModuleInit {
  private readonly logger = new Logger(TableAnalyzer.name);
  private readonly tables = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly sweeper: Sweeper,
  ) {}

  onModuleInit(): void {
    this.sweeper.add('work', 'grown tables', () => this.analyzeGrown());
  }

  /** Adds tables to those that are analyzed. Called by the feature that owns them. */
  watch(...tables: string[]): void {
    for (const table of tables) this.tables.add(table);
  }

  /**
   * Analyzes the watched tables that have doubled, one at a time and in one process at a time.
   * @throws DatabaseUnavailable
   */
  async analyzeGrown(): Promise<void> {
    for (const table of await grown(this.database.query, [...this.tables])) await this.analyze(table);
  }

  private async analyze(table: string): Promise<void> {
    const startedAtMs = performance.now();
    const isDone = await this.database.transaction(async (query) => {
      // The lock belongs to the transaction, so that it also works behind a transaction-pooling PgBouncer.
      const lock = { name: '', text: 'SELECT pg_try_advisory_xact_lock($1) AS "isOurs"' };
      const [{ isOurs }] = (await query<{ isOurs: boolean }>(lock, [ANALYZE_LOCK])) as [{ isOurs: boolean }];
      if (!isOurs || (await grown(query, [table])).length === 0) return false;
      await query({ name: '', text: `ANALYZE "${table}"` });
      return true;
    });
    if (isDone) this.logger.debug(`Analyzed ${table} in ${Math.round(performance.now() - startedAtMs)} ms`);
  }
}

/** Returns the tables that have at least twice the pages that they had when they were last analyzed or vacuumed. */
async function grown(query: Query, tables: string[]): Promise<string[]> {
  const text = `SELECT relname AS name FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = ANY ($1::text[])
      AND pg_relation_size(oid) >= 2 * greatest(relpages, $2::integer) * current_setting('block_size')::bigint`;
  const rows = await query<{ name: string }>({ name: 'grown_tables', text }, [tables, MIN_PAGES]);
  return rows.map(({ name }) => name);
}

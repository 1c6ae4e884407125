import { expect } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../../src/app/data-source.js';
import { FoldsStore } from '../../../src/books/journal/balances/folds.store.js';
import { Database } from '../../../src/platform/database/database.js';
import { createDatabase } from '../../support/database.js';
import { BOOKS } from './books-rows.js';
import { ExplainedDatabase, type Plan } from './explained-database.js';
import { fill } from './rows.js';

/**
 * Pages of 8 KiB that one query may touch. A scan of the requests would touch tens of thousands; completing 64 requests
 * writes to each of their indexes.
 */
const MOST_BLOCKS = 2_500;
/** The limit for leasing a lane. Reading all waiting lanes would touch each of their pages, at least 150. */
export const FEW_BLOCKS = 50;

/** Tables whose scan would grow with the number of finished requests, or with the books. */
const GROWING = [
  'requests',
  'callback_deliveries',
  'callback_logs',
  'idempotency_keys',
  'actions',
  'journal_entries',
  'journal_lines',
  'orders',
  'order_items',
  'order_imports',
  'order_import_errors',
  'events',
  'bookings',
  'mail_messages',
  'mail_attempts',
  'mail_fan_outs',
  'schedules',
  'schedule_runs',
  'users',
  'sessions',
  'refresh_tokens',
  'password_resets',
];

function scans(plan: Plan): string[] {
  const own =
    plan['Node Type'] === 'Seq Scan' && GROWING.includes(plan['Relation Name'] ?? '') ? [plan['Relation Name']!] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scans)];
}

/** Accounts that one claim compares, and puts in order. */
const MOST_SORTED = 32;

export const sorts = (plan: Plan): boolean =>
  (plan['Node Type'].includes('Sort') && plan['Actual Rows'] > MOST_SORTED) || (plan.Plans ?? []).some(sorts);

/** A database full of rows, which explains the statements of stores and repositories. */
export class Explained {
  dataSource!: DataSource;
  explainer!: pg.Client;
  database!: ExplainedDatabase;

  async open(): Promise<void> {
    const { url } = await createDatabase();
    this.explainer = new pg.Client({ connectionString: url });
    await this.explainer.connect();
    await fill(this.explainer);
    this.dataSource = await new DataSource(dataSourceOptions(url)).initialize();
    this.database = new ExplainedDatabase(this.explainer, this.dataSource);
    const folds = new FoldsStore(new Database(this.dataSource, { DATABASE_PREPARE: false }));
    while (await folds.fold(BOOKS));
    await this.explainer.query(
      'ANALYZE journal_totals, journal_block_totals, journal_day_totals, journal_hour_totals, journal_folds',
    );
    this.explainRepositories();
  }

  async close(): Promise<void> {
    await this.dataSource?.destroy();
    await this.explainer.end();
  }

  /** Runs operations of stores and checks the plan of each of their statements. */
  async expectCheap(act: () => Promise<unknown>, mostBlocks = MOST_BLOCKS): Promise<void> {
    const { plans } = this.database;
    plans.length = 0;
    await act();
    expect(plans.length).toBeGreaterThan(0);
    for (const { name, plan } of plans) {
      expect([name, scans(plan)]).toEqual([name, []]);
      const blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
      expect([name, blocks < mostBlocks ? 'few blocks' : `${blocks} blocks`]).toEqual([name, 'few blocks']);
    }
  }

  /** Repositories run their statements on query runners. */
  private explainRepositories(): void {
    const { dataSource, database } = this;
    const createQueryRunner = dataSource.createQueryRunner.bind(dataSource);
    dataSource.createQueryRunner = (mode) => {
      const runner = createQueryRunner(mode);
      const query = runner.query.bind(runner) as (text: string, ...more: unknown[]) => Promise<unknown>;
      return Object.assign(runner, {
        query: async (text: string, values: unknown[] = [], ...more: unknown[]) => {
          const isControl = /^(START TRANSACTION|COMMIT|ROLLBACK)/.test(text);
          if (!isControl) await database.explain({ name: text, text }, values);
          return query(text, values, ...more);
        },
      });
    };
  }
}

import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions, migrate } from '../../src/app/data-source.js';
import { BalancesService, MAX_UNFOLDED } from '../../src/books/journal/balances/balances.service.js';
import { BalancesStore } from '../../src/books/journal/balances/balances.store.js';
import { BLOCK, completeBlocks } from '../../src/books/journal/balances/blocks.js';
import { FoldsStore } from '../../src/books/journal/balances/folds.store.js';
import { Database } from '../../src/platform/database/database.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { withDatabase } from '../support/servers.js';
import { medianMs, msOf, shown } from '../support/timing.js';
import type { Measurement } from './measurement.js';

const LINES = 10_000_000;
const LINES_PER_ENTRY = 2;
/** Entries that one transaction adds. The triggers of the tables check all of them together. */
const CHUNK = 125_000;
const START = '2025-01-01T00:00:00Z';
const YEAR_MS = 365 * 24 * 3_600_000;
/** The last millisecond of a day: the worst case, which reads the most hourly totals and lines. */
const AS_OF = new Date('2025-07-01T23:59:59.999Z');

/** Spreads consecutive numbers over the year, as in imported books. It is coprime to the number of entries. */
const SPREAD = 2_999_999;

const ENTRIES = `INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind, source_type, source_id)
  SELECT $1::uuid, n, $4::timestamptz + n * ${SPREAD} % $5::bigint * $6::float8 * interval '1 millisecond', $7::timestamptz,
    'order.paid', 'order', gen_random_uuid()
  FROM generate_series($2::bigint, $3::bigint) n`;

const ENTRY_LINES = `INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents, customer_id)
  SELECT $1::uuid, n, l, CASE l WHEN 1 THEN 'assets:cash' ELSE 'income:orders' END,
    CASE n % 10 WHEN 0 THEN 'EUR' ELSE 'USD' END, (3 - 2 * l) * (1 + n % 9973), md5((n % 10000)::text)::uuid
  FROM generate_series($2::bigint, $3::bigint) n, generate_series(1, ${LINES_PER_ENTRY}) l`;

/** The indexes to rebuild after the rows are inserted, which is faster than updating them. */
const INDEXES = `SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
  WHERE indrelid IN ('journal_entries'::regclass, 'journal_lines'::regclass) AND NOT indisprimary`;
const LINES_KEY = 'journal_lines_pkey';

const INSERT_COUNTER = `INSERT INTO journal_counters (account_id, last_number) VALUES ($1, $2)
  ON CONFLICT (account_id) DO UPDATE SET last_number = excluded.last_number`;

/** Fills the journal without foreign keys; the triggers that check numbers and balances remain enabled. */
async function fill(client: Client, entries: number): Promise<void> {
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(INDEXES);
  await client.query('SET session_replication_role = replica');
  await client.query(`ALTER TABLE journal_lines DROP CONSTRAINT ${LINES_KEY}`);
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  for (let first = 1; first <= entries; first += CHUNK) {
    const range = [OPEN_INSTALLATION, first, Math.min(entries, first + CHUNK - 1)];
    await client.query('BEGIN');
    await client.query(ENTRIES, [...range, START, entries, YEAR_MS / entries, new Date()]);
    await client.query(ENTRY_LINES, range);
    await client.query('COMMIT');
  }
  await client.query(`SET maintenance_work_mem = '512MB'`);
  await client.query(`ALTER TABLE journal_lines ADD CONSTRAINT ${LINES_KEY} PRIMARY KEY (account_id, number, line)`);
  for (const { definition } of indexes) await client.query(definition);
  await client.query('RESET ALL');
  await client.query('VACUUM ANALYZE journal_entries, journal_lines');
}

/**
 * Folds like the sweep of a worker, except for the newest entries, which a sweep may not have reached.
 * @returns The time of folding, in milliseconds.
 */
async function fold(client: Client, folds: FoldsStore, entries: number): Promise<number> {
  await client.query(INSERT_COUNTER, [OPEN_INSTALLATION, entries - MAX_UNFOLDED * BLOCK]);
  const foldedMs = await msOf(async () => {
    while (await folds.fold(OPEN_INSTALLATION));
  });
  await client.query(INSERT_COUNTER, [OPEN_INSTALLATION, entries]);
  await client.query('VACUUM ANALYZE journal_totals, journal_block_totals, journal_day_totals, journal_hour_totals');
  return foldedMs;
}

/** Balances of an account with ten million lines. */
export function booksLines(): Promise<Measurement[]> {
  return withDatabase(async ({ client, url }) => {
    const session = await migrate(url);
    const dataSource = await new DataSource(dataSourceOptions(url, 2, session)).initialize();
    try {
      const database = new Database(dataSource, { DATABASE_PREPARE: true });
      const folds = new FoldsStore(database);
      const entries = LINES / LINES_PER_ENTRY;
      await fill(client, entries);
      const foldedMs = await fold(client, folds, entries);
      const service = new BalancesService(database, new BalancesStore(), folds);
      const now = await medianMs(() => service.view(null, {}));
      const asOf = await medianMs(() => service.view(null, { as_of: AS_OF }));
      const through = await medianMs(() =>
        service.view(null, { through_entry: (completeBlocks(entries) - MAX_UNFOLDED) * BLOCK - 1 }),
      );
      const title = `Balances of an account with ${LINES.toLocaleString('en')} lines`;
      return [
        { title: `${title}, now`, result: shown(now), target: '≤ 5 ms' },
        { title: `${title}, as of an instant and through an entry`, result: shown(asOf, through), target: '≤ 50 ms' },
        {
          title: 'Folding these lines into the totals, behind the postings',
          result: `${Math.round((LINES / foldedMs) * 1_000).toLocaleString('en')} lines/s`,
        },
      ];
    } finally {
      await dataSource.destroy();
    }
  });
}

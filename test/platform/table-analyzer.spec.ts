import { beforeEach, describe, expect, it } from '@jest/globals';
import { Sweeper } from '../../src/platform/concurrency/sweeper.js';
import { TableAnalyzer } from '../../src/platform/database/table-analyzer.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { openStores, type Stores } from '../support/stores.js';

/** About 20 rows fit on a page. */
const INSERT = `INSERT INTO requests (id, mode, status, report, format, input_payload)
  SELECT gen_random_uuid(), 'sync', 'COMPLETED', 'digest', 'csv', jsonb_build_object('text', repeat('x', 200))
  FROM generate_series(1, $1::integer)`;

let stores: Stores;
beforeEach(async () => {
  stores = await openStores();
});

/** Rows that the last ANALYZE counted; -1 if there was none. */
async function analyzedRows(): Promise<number> {
  const text = `SELECT reltuples AS rows FROM pg_class WHERE relname = 'requests'`;
  const [row] = await stores.sql<{ rows: number }>(text);
  return row!.rows;
}

function analyzerOf({ database }: Stores): TableAnalyzer {
  const analyzer = new TableAnalyzer(database, new Sweeper({ SWEEP_INTERVAL: 1_000 }));
  analyzer.watch('requests');
  return analyzer;
}

describe('TableAnalyzer', () => {
  it('analyzes a table each time it has doubled, and not before', async () => {
    const analyzer = analyzerOf(stores);
    await stores.sql(INSERT, [20]);
    await analyzer.analyzeGrown();
    expect(await analyzedRows()).toBe(-1);

    await stores.sql(INSERT, [980]);
    await analyzer.analyzeGrown();
    expect(await analyzedRows()).toBe(1_000);

    await stores.sql(INSERT, [500]);
    await analyzer.analyzeGrown();
    expect(await analyzedRows()).toBe(1_000);

    await stores.sql(INSERT, [600]);
    await analyzer.analyzeGrown();
    expect(await analyzedRows()).toBe(2_100);
  });

  it('skips a table that another process analyzes', async () => {
    await stores.sql(INSERT, [1_000]);
    await stores.database.transaction(async (query) => {
      await query({ name: '', text: 'SELECT pg_advisory_xact_lock(4820111)' });
      await analyzerOf(stores).analyzeGrown();
      expect(await analyzedRows()).toBe(-1);
      return false;
    });
  });

  it('is run by the service for its hot tables', async () => {
    // Before the first sweep, because an ANALYZE during the INSERT would count none of its rows.
    await stores.sql(INSERT, [1_000]);
    const daybook = await startDaybook({ env: { DATABASE_URL: stores.url } });
    await eventually(async () => (await analyzedRows()) === 1_000);
    await daybook.stop();
  });
});

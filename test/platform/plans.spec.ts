import { beforeAll, describe, expect, it } from '@jest/globals';
import { Sweeper } from '../../src/platform/concurrency/sweeper.js';
import { TableAnalyzer } from '../../src/platform/database/table-analyzer.js';
import { attemptAt, batchOf, completionOf, openStores, type Stores } from '../support/stores.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

/** Executions after which Postgres keeps the plan of a prepared statement (`plancache.c`). */
const UNTIL_PLANNED = 8;
const MANY = 20_000;
const GROWTH = 1_000;
/** A batch as the service writes it, a small part of the tables. */
const BATCH = 50;
const GROWING = ['requests', 'callback_deliveries', 'callback_logs'];

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

/** Accepts `count` requests, completes them and delivers their callbacks, all in one batch. */
async function serve(count: number): Promise<void> {
  await stores.accept('lane', count, { callbackUrl: 'http://a.test/' });
  const lane = await stores.lease();
  const jobs = await stores.jobs.begin(lane, count);
  const completions = jobs.map((job) => completionOf(job));
  await stores.jobs.complete(lane, batchOf([], { completions, release: true }), 15_000);
  const due = await stores
    .due()
    .queues.read({ accountId: OPEN_INSTALLATION, destination: 'http://a.test' }, ['lane'], 0, count);
  await stores.logs().record(due.map((delivery) => attemptAt(delivery)));
}

async function scans(): Promise<Record<string, number>> {
  const text = `SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY ($1) ORDER BY relname`;
  await stores.sql('SELECT pg_stat_force_next_flush()');
  const rows = await stores.sql<{ relname: string; seq_scan: number }>(text, [GROWING]);
  return Object.fromEntries(rows.map(({ relname, seq_scan }) => [relname, Number(seq_scan)]));
}

/** No query gets slower with finished requests, even if it was planned over empty tables. */
describe('statements planned over empty tables', () => {
  it('scan no large table once the tables were analyzed as they grew', async () => {
    const analyzer = new TableAnalyzer(stores.database, new Sweeper({ SWEEP_INTERVAL: 1_000 }));
    analyzer.watch(...GROWING, 'lanes', 'callback_queues');
    for (let times = 0; times < UNTIL_PLANNED; times++) await serve(1);
    for (let served = 0; served < MANY; served += GROWTH) {
      await serve(GROWTH);
      await analyzer.analyzeGrown();
    }
    const before = await scans();
    for (let times = 0; times < 2 * UNTIL_PLANNED; times++) await serve(BATCH);
    expect(await scans()).toEqual(before);
    const served = UNTIL_PLANNED + MANY + 2 * UNTIL_PLANNED * BATCH;
    expect(await stores.sql(`SELECT FROM callback_logs WHERE success`)).toHaveLength(served);
  });
});

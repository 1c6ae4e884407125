import { beforeAll, describe, expect, it } from '@jest/globals';
import { attemptAt, batchOf, completionOf, openStores, type Stores } from '../support/stores.js';

/** A statement is planned for good when it has run so often (Postgres, `plancache.c`). */
const UNTIL_PLANNED = 8;
const MANY = 2_000;
const GROWING = ['requests', 'callback_deliveries', 'callback_logs'];

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

/** Makes and delivers so many requests, as many at a time as there are. */
async function serve(count: number): Promise<void> {
  await stores.accept('lane', count, { callbackUrl: 'http://a.test/' });
  const lane = await stores.lease();
  const jobs = await stores.jobs.begin(lane, count);
  const completions = jobs.map((job) => completionOf(job));
  await stores.jobs.complete(lane, batchOf([], { completions, release: true }), 15_000);
  const due = await stores.due().readStreams('http://a.test', ['lane'], 0, count);
  await stores.logs().record(due.map((delivery) => attemptAt(delivery)));
}

async function scans(): Promise<Record<string, number>> {
  const text = `SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY ($1) ORDER BY relname`;
  await stores.sql('SELECT pg_stat_force_next_flush()');
  const rows = await stores.sql<{ relname: string; seq_scan: number }>(text, [GROWING]);
  return Object.fromEntries(rows.map(({ relname, seq_scan }) => [relname, Number(seq_scan)]));
}

/** The promise: no query grows with what is finished, also where the tables were empty when it was planned. */
describe('statements planned over empty tables', () => {
  it('read no large table as a whole', async () => {
    for (let times = 0; times < UNTIL_PLANNED; times++) await serve(1);
    const before = await scans();
    for (let done = 0; done < MANY; done += 500) await serve(500);
    expect(await scans()).toEqual(before);
    expect(await stores.sql(`SELECT FROM callback_logs WHERE success`)).toHaveLength(UNTIL_PLANNED + MANY);
  });
});

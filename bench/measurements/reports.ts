import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { request } from 'undici';
import { migrate } from '../../src/app/data-source.js';
import { BenchError } from '../../src/benchmark/cli/cli-error.js';
import { type OwnService, startOwnService } from '../../src/benchmark/cli/own-service.js';
import ordersLedger from '../../src/books/reports/orders-ledger.report.js';
import type { Snapshot } from '../../src/platform/database/snapshot.js';
import type { Sql } from '../../src/platform/database/sql.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { fillOrders, ITEMS_OF_ORDER } from '../support/order-books.js';
import { type OwnDatabase, residentMib, withDatabase } from '../support/servers.js';
import { median } from '../support/throughput.js';
import { msOf } from '../support/timing.js';
import type { Measurement } from './measurement.js';

const LINES = 1_000_000;
const ROUNDS = 3;
const PARAMS = { from: '2025-01-01', to: '2026-01-01', timezone: 'UTC' };
const POLL_MS = 20;

/** A report that was run, as the service saw it. */
interface Run {
  ms: number;
  /** Peak resident memory of the service. */
  peakMib: number;
  rowCount: number;
}

/** Reports over books with a million order items: their times over that of a bare COPY, and the memory they take. */
export function reports(): Promise<Measurement[]> {
  return withDatabase(async (database) => {
    await migrate(database.url);
    await fillOrders(database.client, 1, Math.ceil(LINES / ITEMS_OF_ORDER));
    const service = await startOwnService({ DATABASE_URL: database.url, REPORT_TIMEOUT: '10m' });
    try {
      return await measure(database, service);
    } finally {
      await service.stop();
    }
  });
}

async function measure(database: OwnDatabase, service: OwnService): Promise<Measurement[]> {
  const query = await csvQuery(Math.ceil(LINES / ITEMS_OF_ORDER));
  const idleMib = residentMib(service.pid);
  await generate(service, 'csv');
  const bare: number[] = [];
  const runs = new Map<string, Run[]>(['csv', ...others()].map((format) => [format, []]));
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await msOf(() => copyByPsql(database, query)));
    for (const [format, all] of runs) all.push(await generate(service, format));
  }
  const of = (format: string, figure: keyof Run) => median(runs.get(format)!.map((run) => run[figure]));
  const lines = of('csv', 'rowCount').toLocaleString('en');
  return [
    {
      title: `CSV of ${lines} lines (orders-ledger), request to result, over psql's COPY of the same SELECT`,
      result: `${(of('csv', 'ms') / median(bare)).toFixed(2)} (${Math.round(of('csv', 'ms'))} ms)`,
      target: '≤ 1.15',
    },
    ...others().map((format) => ({
      title: `${format} of the same lines, over that CSV`,
      result: (of(format, 'ms') / of('csv', 'ms')).toFixed(2),
      target: format === 'jsonl' ? '≤ 2' : '≤ 5',
    })),
    {
      title: `Memory that the service takes at the peak, over that before its first report: ${[...runs.keys()].join(', ')}`,
      result: `${[...runs.keys()].map((format) => of(format, 'peakMib') - idleMib).join(', ')} MiB`,
      target: '< 100 (csv), < 300',
    },
  ];
}

const others = (): string[] => ordersLedger.formats.filter((format) => format !== 'csv');

/** The SELECT of the CSV, which the report's recipe hands to COPY. */
async function csvQuery(through_entry: number): Promise<string> {
  let text = '';
  const snapshot = {
    copyCsv: (query: Sql) => Promise.resolve((text = query.text).length),
    jsonRows: () => Promise.resolve([]),
    rows: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
  const file = { write: () => undefined, finish: () => ({ sizeBytes: 0, sha256: '' }) };
  await ordersLedger.generate(
    { ...PARAMS, through_entry },
    {
      requestId: '',
      account: OPEN_INSTALLATION,
      fileId: '',
      format: 'csv',
      openFile: () => file as never,
      openSnapshot: () => Promise.resolve(snapshot as unknown as Snapshot),
    },
  );
  return text;
}

async function copyByPsql({ url, folder }: OwnDatabase, query: string): Promise<void> {
  const file = join(folder, 'bare.csv');
  const command = `COPY (${query}) TO STDOUT (FORMAT csv, HEADER)`;
  await promisify(execFile)('psql', [url, '--no-psqlrc', '--output', file, '--command', command]).catch(
    (error: unknown) => {
      throw new BenchError(`This measurement needs psql (postgresql-client): ${String(error)}`);
    },
  );
  await rm(file);
}

async function generate({ url, pid }: OwnService, format: string): Promise<Run> {
  let peakMib = 0;
  const done = new AbortController();
  const watch = (async () => {
    while (!done.signal.aborted) {
      peakMib = Math.max(peakMib, residentMib(pid));
      await sleep(POLL_MS);
    }
  })();
  const startMs = performance.now();
  const headers = { 'content-type': 'application/json', prefer: 'wait=60' };
  const body = JSON.stringify({ report: ordersLedger.type, format, payload: PARAMS });
  const answer = await request(`${url}/api/sync`, { method: 'POST', headers, body });
  const result = (await answer.body.json()) as { row_count: number; request_id: string };
  const ms = performance.now() - startMs;
  done.abort();
  await watch;
  if (answer.statusCode !== 200) throw new BenchError(`POST /api/sync: ${answer.statusCode} ${JSON.stringify(result)}`);
  const deleted = await request(`${url}/api/requests/${result.request_id}`, { method: 'DELETE' });
  await deleted.body.dump();
  return { ms, peakMib, rowCount: result.row_count };
}

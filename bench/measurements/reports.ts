import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Pool, request } from 'undici';
import { migrate } from '../../src/app/data-source.js';
import { BenchError } from '../../src/benchmark/cli/cli-error.js';
import { type OwnService, startOwnService } from '../../src/benchmark/cli/own-service.js';
import ordersLedger from '../../src/books/reports/orders-ledger.report.js';
import type { Snapshot } from '../../src/platform/database/snapshot.js';
import type { Sql } from '../../src/platform/database/sql.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { fillOrders, ITEMS_OF_ORDER } from '../support/order-books.js';
import { type OwnDatabase, residentMib, withDatabase } from '../support/servers.js';
import { steadyLoad } from '../support/steady-load.js';
import { median, throughput } from '../support/throughput.js';
import { msOf } from '../support/timing.js';
import type { Measurement } from './measurement.js';

const LINES = 1_000_000;
const MANY_LINES = 10_000_000;
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
      const compared = await measure(database, service);
      await fillOrders(database.client, Math.ceil(LINES / ITEMS_OF_ORDER) + 1, Math.ceil(MANY_LINES / ITEMS_OF_ORDER));
      return [...compared, ...(await disturbance(database, service))];
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

const HEALTH_EVERY_MS = 50;
const ALONE_MS = 15_000;
const LANES = 20;

const quickReport = (n: number): object => {
  return { input_data: 'x', iterations: 1, callback_url: null, lane: `quick-${n % LANES}` };
};

interface Disturbed {
  acceptP99: number;
  healthP99: number;
}

/** Accepting at half of the maximum rate and asking for the health, alone and while a report of ten million lines runs. */
async function disturbance(database: OwnDatabase, service: OwnService): Promise<Measurement[]> {
  const maximum = await throughput(service.url, { path: '/api/async', body: quickReport(0) }, ALONE_MS / 3);
  const perS = maximum.perS / 2;
  await untilDrained(service);
  const alone = await disturbed(service, perS, ALONE_MS);
  const lanesBytes = await sizeOfLanes(database);
  const beforeMib = residentMib(service.pid);
  const report = generateLarge(service);
  const during: Disturbed[] = [];
  const unfinished: number[] = [];
  let peakMib = 0;
  let isRunning = true;
  void report.finally(() => (isRunning = false)).catch(() => undefined);
  while (isRunning) {
    during.push(await disturbed(service, perS, HEALTH_EVERY_MS * 40));
    unfinished.push(await pendingOf(service));
    peakMib = Math.max(peakMib, residentMib(service.pid));
  }
  const { row_count, processing_time_ms } = await report;
  const of = (figure: keyof Disturbed) => median(during.map((round) => round[figure]));
  const title = `While a CSV of ${row_count.toLocaleString('en')} lines runs (${Math.round(processing_time_ms / 1_000)} s)`;
  return [
    {
      title: `${title}: p99 of accepting ${Math.round(perS)}/s, half of the maximum, over that alone`,
      result: `${(of('acceptP99') / alone.acceptP99).toFixed(2)} (${of('acceptP99').toFixed(1)} over ${alone.acceptP99.toFixed(1)} ms)`,
      target: '≤ 2',
    },
    {
      title: `${title}: p99 of GET /api/health, alone and during it`,
      result: `${alone.healthP99.toFixed(1)}, ${of('healthP99').toFixed(1)} ms`,
      target: '≤ 20 ms',
    },
    {
      title: `${title}: requests that wait in their lanes, median and most`,
      result: `${median(unfinished)}, ${Math.max(...unfinished)}`,
    },
    {
      title: `${title}: size of the table of lanes, whose ${LANES} rows change with every batch, before and at the end`,
      result: `${lanesBytes / 1_024}, ${(await sizeOfLanes(database)) / 1_024} KiB`,
    },
    {
      title: `${title}: memory that the service takes more`,
      result: `${peakMib - beforeMib} MiB`,
      target: '< 100',
    },
  ];
}

/** @returns Latencies at their p99, in milliseconds. */
async function disturbed({ url }: OwnService, perS: number, forMs: number): Promise<Disturbed> {
  const pool = new Pool(url, { connections: 64 });
  const times: number[] = [];
  const startMs = performance.now();
  const health = async (): Promise<void> => {
    for (let n = 1; performance.now() - startMs < forMs; n++) {
      times.push(
        await msOf(async () => {
          const { body } = await request(`${url}/api/health`);
          await body.dump();
        }),
      );
      await sleep(Math.max(0, startMs + n * HEALTH_EVERY_MS - performance.now()));
    }
  };
  const [acceptP99] = await Promise.all([steadyLoad(pool, perS, forMs, quickReport), health()]);
  await pool.destroy();
  return { acceptP99, healthP99: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]! };
}

/** @returns The requests of the quick lanes that are not finished. */
async function pendingOf({ url }: OwnService): Promise<number> {
  const { body } = await request(`${url}/api/lanes?limit=200`);
  const { lanes } = (await body.json()) as { lanes: { lane: string; pending: number }[] };
  return lanes.filter(({ lane }) => lane.startsWith('quick')).reduce((sum, { pending }) => sum + pending, 0);
}

async function sizeOfLanes({ client }: OwnDatabase): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(`SELECT pg_table_size('lanes') AS bytes`);
  return Number(rows[0]!.bytes);
}

async function untilDrained(service: OwnService): Promise<void> {
  while ((await pendingOf(service)) > 0) await sleep(HEALTH_EVERY_MS);
}

async function generateLarge({ url }: OwnService): Promise<{ row_count: number; processing_time_ms: number }> {
  const headers = { 'content-type': 'application/json' };
  const body = { report: ordersLedger.type, payload: PARAMS, callback_url: null, lane: 'large' };
  const accepted = await request(`${url}/api/async`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { request_id } = (await accepted.body.json()) as { request_id: string };
  for (;;) {
    const answer = await request(`${url}/api/requests/${request_id}`);
    const shown = (await answer.body.json()) as { status: string; error: string; result_payload: never };
    if (shown.status === 'COMPLETED') return shown.result_payload;
    if (shown.status === 'FAILED') throw new BenchError(`The large report failed: ${shown.error}`);
    await sleep(HEALTH_EVERY_MS * 10);
  }
}

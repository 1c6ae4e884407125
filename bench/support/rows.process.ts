import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { format } from '@fast-csv/format';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { SpoolFile } from '../../src/reports/generation/spool-file.js';
import transactions from '../../src/reports/types/transactions/transactions.report.js';

/** Three writers of the same rows and columns to a file. */
export type RowWriter = 'report' | 'copy' | 'fast-csv';

/** Result that this process sends to its parent. */
export interface RowsWritten {
  seconds: number;
  /** Peak resident memory above that of the loaded process, in MiB. */
  addedMib: number;
}

const PARAMS = { report_name: 'Rows', as_of: '2026-01-01' };

async function report(path: string, rows: number): Promise<void> {
  const spool = new SpoolFile(path);
  const openSnapshot = () => Promise.reject(new Error('This report reads nothing'));
  const context = {
    requestId: '',
    account: '',
    fileId: '',
    format: 'csv',
    openFile: () => spool.openPart(),
    openSnapshot,
  };
  await transactions.generate({ ...PARAMS, num_transactions: rows }, context);
  spool.close();
}

async function copy(path: string, rows: number, databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const text = `COPY (SELECT * FROM bench_rows LIMIT ${rows}) TO STDOUT WITH CSV HEADER`;
  await pipeline(client.query(copyTo(text)), createWriteStream(path));
  await client.end();
}

async function fastCsv(path: string, rows: number): Promise<void> {
  const headers = ['Transaction ID', 'Date', 'Type', 'Category', 'Description', 'Amount'];
  const row = (n: number) => [`TXN-${n}`, '2026-01-01', 'Revenue', 'Consulting', 'Advisory retainer', '12345.67'];
  const source = function* () {
    for (let n = 1; n <= rows; n++) yield row(n);
  };
  await pipeline(source, format({ headers }), createWriteStream(path));
}

/** Arguments: writer, file, number of rows, database URL (for `copy`). */
const [, , writer, path, count, databaseUrl] = process.argv as [string, string, RowWriter, string, string, string];
const rows = Number(count);
const loadedMib = process.memoryUsage().rss / 1_024 ** 2;
const startedMs = performance.now();
if (writer === 'report') await report(path, rows);
else if (writer === 'copy') await copy(path, rows, databaseUrl);
else await fastCsv(path, rows);
const seconds = (performance.now() - startedMs) / 1_000;
const addedMib = Math.round(process.resourceUsage().maxRSS / 1_024 - loadedMib);
process.send?.({ seconds, addedMib } satisfies RowsWritten);

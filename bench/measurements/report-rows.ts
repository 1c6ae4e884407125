import { once } from 'node:events';
import { join } from 'node:path';
import { forkProgram } from '../support/fork.js';
import type { Measurement } from './measurement.js';
import type { RowWriter, RowsWritten } from '../support/rows.process.js';
import { type OwnDatabase, withDatabase } from '../support/servers.js';
import { median } from '../support/throughput.js';

const ROWS = 1_000_000;
const ROUNDS = 3;

/** Writes the rows in a separate process, to measure the memory of that alone. */
async function write(writer: RowWriter, database: OwnDatabase): Promise<RowsWritten> {
  const file = join(database.folder, `${writer}-${performance.now()}.csv`);
  const child = forkProgram('rows.process', [writer, file, String(ROWS), database.url]);
  const [[written]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [[RowsWritten], unknown];
  return written;
}

/** Rate of writing a transactions report of a million rows, compared with Postgres' COPY and with fast-csv. */
export function reportRows(): Promise<Measurement[]> {
  return withDatabase(async (database) => {
    await database.client.query(`CREATE TABLE bench_rows AS
      SELECT 'TXN-' || lpad(n::text, 5, '0') AS "Transaction ID", date '2026-01-01' - (n % 30)::int AS "Date",
        'Revenue' AS "Type", 'Consulting' AS "Category", 'Advisory retainer' AS "Description",
        (500 + n % 14500)::numeric(12, 2) AS "Amount"
      FROM generate_series(1, ${ROWS}) n`);
    const runs: Record<RowWriter, RowsWritten[]> = { report: [], copy: [], 'fast-csv': [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const writer of Object.keys(runs) as RowWriter[]) runs[writer].push(await write(writer, database));
    }
    const perS = (writer: RowWriter) => ROWS / median(runs[writer].map(({ seconds }) => seconds));
    const over = (peer: RowWriter) =>
      `${(perS('report') / perS(peer)).toFixed(2)} (${Math.round(perS('report') / 1_000)}k rows/s)`;
    const addedMib = Math.max(...runs.report.map((one) => one.addedMib));
    const title = 'A transactions report of 1,000,000 rows';
    return [
      { title: `${title}, over COPY TO STDOUT of as many rows into a file`, result: over('copy'), target: '≥ 0.75' },
      { title: `${title}, over fast-csv`, result: over('fast-csv') },
      { title: `${title}: peak memory that it adds to its process`, result: `${addedMib} MiB`, target: '< 100 MB' },
    ];
  });
}

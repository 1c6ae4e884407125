import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measurement } from './measurement.js';
import type { RowWriter, RowsWritten } from './rows.process.js';
import { type OwnDatabase, withDatabase } from './servers.js';
import { median } from './throughput.js';

const ROWS = 1_000_000;
const ROUNDS = 3;
const PROCESS = fileURLToPath(new URL('./rows.process.js', import.meta.url));

/** Writes the rows in a process of its own, so that its memory is its own. */
async function written(writer: RowWriter, database: OwnDatabase): Promise<RowsWritten> {
  const file = join(database.folder, `${writer}-${performance.now()}.csv`);
  const child = fork(PROCESS, [writer, file, String(ROWS), database.url], { execArgv: [] });
  const [[told]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [[RowsWritten], unknown];
  return told;
}

/** How fast a transactions report of a million rows is written, against Postgres' own COPY and against fast-csv. */
export function reportRows(): Promise<Measurement[]> {
  return withDatabase(async (database) => {
    await database.client.query(`CREATE TABLE bench_rows AS
      SELECT 'TXN-' || lpad(n::text, 5, '0') AS "Transaction ID", date '2026-01-01' - (n % 30)::int AS "Date",
        'Revenue' AS "Type", 'Consulting' AS "Category", 'Advisory retainer' AS "Description",
        (500 + n % 14500)::numeric(12, 2) AS "Amount"
      FROM generate_series(1, ${ROWS}) n`);
    const taken: Record<RowWriter, RowsWritten[]> = { report: [], copy: [], 'fast-csv': [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const writer of Object.keys(taken) as RowWriter[]) taken[writer].push(await written(writer, database));
    }
    const perS = (writer: RowWriter) => ROWS / median(taken[writer].map(({ seconds }) => seconds));
    const over = (peer: RowWriter) =>
      `${(perS('report') / perS(peer)).toFixed(2)} (${Math.round(perS('report') / 1_000)}k rows/s)`;
    const peakMib = Math.max(...taken.report.map((one) => one.peakMib));
    const title = 'A transactions report of 1,000,000 rows';
    return [
      { title: `${title}, over COPY TO STDOUT of as many rows into a file`, result: over('copy'), target: '≥ 0.75' },
      { title: `${title}, over fast-csv`, result: over('fast-csv') },
      { title: `${title}: most memory of its process`, result: `${peakMib} MiB`, target: '< 150 MB' },
    ];
  });
}

import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions, migrate } from '../../src/app/data-source.js';
import { Database } from '../../src/platform/database/database.js';
import { READ_AHEAD } from '../../src/jobs/lanes/lane-run.js';
import { Lane } from '../../src/jobs/lanes/lane.entity.js';
import { LanePositionsRepository } from '../../src/jobs/lanes/lane-positions.repository.js';
import { JobsStore } from '../../src/jobs/lanes/jobs.store.js';
import { LaneLeaseStore } from '../../src/jobs/lanes/lane-lease.store.js';
import { LatencyRecorder, type LatencySummary } from '../../src/benchmark/engine/latency.js';
import type { Measurement } from './measurement.js';
import { withDatabase } from '../support/servers.js';

const LANES = 1_000;
const BACKLOGS = [1_000, 10_000, 100_000];
/** Lanes of all {@link ACCOUNTS}, each with a request. */
const SHARED_LANES = 10_000;
const ACCOUNTS = [0, 1, 10, 1_000];
const LEASE_MS = 600_000;
const WARM_UP = 200;
const TIMES = 2_000;

/** Times sequential calls after a warm-up. Each call returns its clean-up, which is not timed. */
async function timed(work: () => Promise<() => Promise<unknown>>): Promise<LatencySummary> {
  const latency = new LatencyRecorder();
  for (let time = 0; time < WARM_UP + TIMES; time++) {
    const startMs = performance.now();
    const cleanUp = await work();
    if (time >= WARM_UP) latency.record(0, performance.now() - startMs);
    await cleanUp();
  }
  return latency.summary();
}

/** @param accounts The number of accounts that share the lanes; 0 for an open installation. */
async function fill(client: Client, lanes: number, pending: number, accounts = 0): Promise<void> {
  const prefix = `CASE WHEN $3::int > 0 THEN md5((n % $3)::text)::uuid || '/' ELSE '' END || `;
  await client.query('TRUNCATE lanes, requests, callback_deliveries, callback_logs CASCADE');
  await client.query(
    `INSERT INTO lanes (name, next_position, pending) SELECT ${prefix} 'lane-' || n, $1::int + 1, $1 FROM generate_series(1, $2) n`,
    [pending / lanes, lanes, accounts],
  );
  await client.query(
    `INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload)
     SELECT gen_random_uuid(), 'async', 'PENDING', 'digest', 'json', ${prefix.replaceAll('n %', '(n % $1 + 1) %')} 'lane-' || n % $1 + 1, n / $1 + 1, '{"input_data":"x"}'
     FROM generate_series(0, $2 - 1) n`,
    [lanes, pending, accounts],
  );
  await client.query('VACUUM ANALYZE lanes, requests');
  await client.query('CHECKPOINT'); // Otherwise the rows just written are flushed during the measurement.
}

const shown = (latencies: LatencySummary[]): string =>
  `${latencies.map(({ p50, p99 }) => `${p99!.toFixed(1)} (${p50!.toFixed(1)})`).join(', ')} ms`;

/** Latency of leasing a lane and reading its head, and of `jobs_ahead`, over growing backlogs. */
export function claiming(): Promise<Measurement[]> {
  return withDatabase(async ({ url, client }) => {
    await migrate(url);
    const dataSource = await new DataSource(dataSourceOptions(url)).initialize();
    const database = new Database(dataSource, { DATABASE_PREPARE: true });
    const jobs = new JobsStore(database);
    const leases = new LaneLeaseStore(database);
    const positions = new LanePositionsRepository(dataSource.getRepository(Lane));
    try {
      const claims: LatencySummary[] = [];
      const lease = async (): Promise<() => Promise<unknown>> => {
        const lane = (await leases.lease(LEASE_MS))!;
        return () => leases.release(lane, 0);
      };
      for (const backlog of BACKLOGS) {
        await fill(client, LANES, backlog);
        const claim = async (): Promise<() => Promise<unknown>> => {
          const lane = (await leases.lease(LEASE_MS))!;
          await jobs.begin(lane, READ_AHEAD);
          return () => leases.release(lane, 0);
        };
        claims.push(await timed(claim));
      }
      const shared: LatencySummary[] = [];
      for (const accounts of ACCOUNTS) {
        await fill(client, SHARED_LANES, SHARED_LANES, accounts);
        shared.push(await timed(lease));
      }
      const backlog = BACKLOGS.at(-1)!;
      await fill(client, 1, backlog);
      const ahead = await timed(async () => {
        await positions.jobsAhead('lane-1', backlog);
        return () => Promise.resolve();
      });
      return [
        {
          title: `Claiming a lane and up to ${READ_AHEAD} of its requests, p99 (median), with 1,000, 10,000 and 100,000 pending in 1,000 lanes`,
          result: shown(claims),
          target: '< 5 ms',
        },
        {
          title:
            'Claiming a lane alone, p99 (median), with 10,000 lanes of an open installation, 1, 10 and 1,000 accounts',
          result: shown(shared),
          target: '< 5 ms',
        },
        { title: '`jobs_ahead` of the last of 100,000 pending in one lane, p99 (median)', result: shown([ahead]) },
      ];
    } finally {
      await dataSource.destroy();
    }
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type OwnService, startOwnService } from '../../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { post } from '../support/post.js';
import { type OwnDatabase, cpuMsOf, withDatabase, withRedis } from '../support/servers.js';
import { startSink } from '../support/sink.js';
import { emptyBull, median } from '../support/throughput.js';

const CALLBACKS = 10_000;
/** Delivery queues of the destination: one per connection. */
const LANES = 8;
const ROUNDS = 3;
const TARGETS = { ordered: '≥ 1.0', unordered: '≥ 1.2' };

/** Inserts completed requests with due callbacks, in several lanes. @returns The id of one request. */
async function insertDue({ client }: OwnDatabase, callbackUrl: string, round: number): Promise<string> {
  const text = `WITH completed AS (
      INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload, result_payload,
        callback_url, started_at, completed_at)
      SELECT gen_random_uuid(), 'async', 'COMPLETED', 'digest', 'json', 'round-' || $3::integer || '-' || n % $4::integer,
        n, '{}', $5::json, $1, now(), now()
      FROM generate_series(1, $2::integer) n RETURNING id, callback_url, lane, queue_position
    ), due AS (
      INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position)
      SELECT gen_random_uuid(), id, callback_url, $6, lane, queue_position FROM completed
    )
    SELECT id FROM completed LIMIT 1`;
  const result = { result: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', iterations: 1 };
  const values = [callbackUrl, CALLBACKS, round, LANES, result, new URL(callbackUrl).origin];
  const { rows } = await client.query<{ id: string }>(text, values);
  await client.query('ANALYZE callback_deliveries');
  return rows[0]!.id;
}

/** CPU time of the service and its database connections, in milliseconds. */
async function cpuMs(service: OwnService, { client }: OwnDatabase): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
  );
  return [service.pid, ...rows.map(({ pid }) => pid)].reduce((sum, pid) => sum + (cpuMsOf(pid) || 0), 0);
}

async function untilRecorded({ client }: OwnDatabase): Promise<void> {
  for (;;) {
    const { rows } = await client.query(`SELECT FROM callback_deliveries WHERE status = 'PENDING' LIMIT 1`);
    if (rows.length === 0) return;
    await sleep(20);
  }
}

/** Callback rate to one healthy receiver, alternating with a Bull queue whose processor does nothing. */
export function deliveries(): Promise<Measurement[]> {
  return withRedis(async (redisUrl) => {
    const ordered = await withDatabase((database) => oneReceiver(redisUrl, database, 'ordered'));
    const unordered = await withDatabase((database) => oneReceiver(redisUrl, database, 'unordered'));
    return [ordered, unordered];
  });
}

async function oneReceiver(redisUrl: string, database: OwnDatabase, order: keyof typeof TARGETS): Promise<Measurement> {
  // The long sweep interval leaves the wake-up below as the only trigger.
  const settings = { DATABASE_URL: database.url, CALLBACK_ORDER: order, SWEEP_INTERVAL: '1m' };
  const service = await startOwnService(settings);
  const sink = await startSink();
  try {
    const ratios: number[] = [];
    const rates: number[] = [];
    const cpuUs: number[] = [];
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      const bull = await emptyBull(redisUrl, CALLBACKS);
      const id = await insertDue(database, sink.url, round);
      const all = sink.received(CALLBACKS);
      const usedMs = await cpuMs(service, database);
      const startMs = performance.now();
      // Redelivering a callback that has not been attempted changes nothing, but wakes the dispatcher.
      await post(`${service.url}/api/requests/${id}/redeliver`);
      await all;
      const perS = (CALLBACKS / (performance.now() - startMs)) * 1_000;
      await untilRecorded(database);
      if (round === 0) continue;
      rates.push(perS);
      ratios.push(perS / bull);
      cpuUs.push((((await cpuMs(service, database)) - usedMs) / CALLBACKS) * 1_000);
    }
    const title = `10,000 due callbacks to one receiver (${LANES} lanes), ${order}, over a Bull queue that does nothing`;
    const result = `${median(ratios).toFixed(2)} (${Math.round(median(rates))}/s; ${Math.round(median(cpuUs))} µs of CPU each, with Postgres)`;
    return { title, result, target: TARGETS[order] };
  } finally {
    await sink.stop();
    await service.stop();
  }
}

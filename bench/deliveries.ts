import { once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OwnService, startOwnService } from '../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { post } from './post.js';
import { type OwnDatabase, cpuMsOf, freePort, withDatabase } from './servers.js';
import { type Sink, startSink } from './sink.js';
import { emptyBull, median } from './throughput.js';

const CALLBACKS = 10_000;
/** Streams of one destination; as many as it has connections. */
const LANES = 8;
const ROUNDS = 3;
const TARGETS = { ordered: '≥ 1.0', unordered: '≥ 1.2' };

/** Of the ten destinations: batches of one callback each, and the time between them. */
const BATCHES = 100;
const BATCH_EVERY_MS = 50;

/** Completed requests that owe their callbacks, in several lanes; gives the id of one. */
async function owe({ client }: OwnDatabase, callbackUrl: string, round: number): Promise<string> {
  const text = `WITH made AS (
      INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload, result_payload,
        callback_url, started_at, completed_at)
      SELECT gen_random_uuid(), 'async', 'COMPLETED', 'digest', 'json', 'round-' || $3::integer || '-' || n % $4::integer,
        n, '{}', $5::json, $1, now(), now()
      FROM generate_series(1, $2::integer) n RETURNING id, callback_url, lane, queue_position
    ), owed AS (
      INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position)
      SELECT gen_random_uuid(), id, callback_url, $6, lane, queue_position FROM made
    )
    SELECT id FROM made LIMIT 1`;
  const result = { result: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', iterations: 1 };
  const values = [callbackUrl, CALLBACKS, round, LANES, result, new URL(callbackUrl).origin];
  const { rows } = await client.query<{ id: string }>(text, values);
  await client.query('ANALYZE callback_deliveries');
  return rows[0]!.id;
}

/** CPU time of the service and of the database's connections, in milliseconds. */
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

/** 10,000 callbacks that are owed to one healthy receiver, against a Bull queue whose processor does nothing, in turns. */
export async function deliveries(redisUrl: string): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const order of ['ordered', 'unordered'] as const) {
    measured.push(await withDatabase((database) => oneReceiver(redisUrl, database, order)));
  }
  return [...measured, await withDatabase(tenDestinations)];
}

async function oneReceiver(redisUrl: string, database: OwnDatabase, order: keyof typeof TARGETS): Promise<Measurement> {
  // Nothing but the wake-up below makes it look.
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
      const id = await owe(database, sink.url, round);
      const all = sink.received(CALLBACKS);
      const usedMs = await cpuMs(service, database);
      const startMs = performance.now();
      // Leaves what has not begun as it is, and wakes the dispatcher.
      await post(`${service.url}/api/requests/${id}/redeliver`);
      await all;
      const perS = (CALLBACKS / (performance.now() - startMs)) * 1_000;
      await untilRecorded(database);
      if (round === 0) continue;
      rates.push(perS);
      ratios.push(perS / bull);
      cpuUs.push((((await cpuMs(service, database)) - usedMs) / CALLBACKS) * 1_000);
    }
    const title = `10,000 callbacks that are owed to one receiver (${LANES} lanes), ${order}, over a Bull queue that does nothing`;
    const result = `${median(ratios).toFixed(2)} (${Math.round(median(rates))}/s; ${Math.round(median(cpuUs))} µs of CPU each, with Postgres)`;
    return { title, result, target: TARGETS[order] };
  } finally {
    await sink.stop();
    await service.stop();
  }
}

/** A receiver that takes every callback and never answers. */
async function startStalling(): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

/** The median time from a request's completion to the first attempt of its callback, on average over seven destinations. */
async function medianDelayMs(
  service: OwnService,
  { client }: OwnDatabase,
  name: string,
  urls: string[],
): Promise<number> {
  const begunAt = performance.now();
  for (let n = 0; n < BATCHES; n++) {
    const one = { report: 'digest', input_data: name, iterations: 1, lane: `${name}-${n % 4}` };
    await post(`${service.url}/api/batch`, { requests: urls.map((callback_url) => ({ ...one, callback_url })) });
    await sleep(Math.max(0, begunAt + (n + 1) * BATCH_EVERY_MS - performance.now()));
  }
  const text = `SELECT sum(count) AS count, avg(ms)::float8 AS ms FROM (
      SELECT count(*) AS count,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.attempted_at - r.completed_at) * 1000) AS ms
      FROM requests r JOIN callback_logs l ON l.request_id = r.id AND l.attempt_number = 1
      WHERE r.lane LIKE $1 AND r.callback_url = ANY ($2) GROUP BY r.callback_url
    ) each`;
  for (;;) {
    const { rows } = await client.query<{ count: string; ms: number }>(text, [`${name}-%`, urls.slice(0, 7)]);
    if (Number(rows[0]!.count) === 7 * BATCHES) return rows[0]!.ms;
    await sleep(50);
  }
}

/** Of ten destinations one is down, one stalls and one fails a fifth of the time; what the other seven notice. */
async function tenDestinations(database: OwnDatabase): Promise<Measurement> {
  const service = await startOwnService({ DATABASE_URL: database.url });
  const sinks: Sink[] = [];
  for (let n = 0; n < 7; n++) sinks.push(await startSink());
  const flaky = await startSink(0.2);
  const stalling = await startStalling();
  try {
    const healthy = sinks.map(({ url }) => url);
    const down = `http://127.0.0.1:${await freePort()}/`;
    const alone: number[] = [];
    const among: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      alone.push(await medianDelayMs(service, database, `alone-${round}`, healthy));
      among.push(await medianDelayMs(service, database, `among-${round}`, [...healthy, down, flaky.url, stalling.url]));
    }
    const [without, withThem] = [median(alone.slice(1)), median(among.slice(1))];
    const title =
      'Delay of callbacks to seven destinations beside one that is down, one that stalls, one at 20 % errors, over their delay alone';
    const result = `${(withThem / without).toFixed(2)} (${withThem.toFixed(1)} ms over ${without.toFixed(1)} ms)`;
    return { title, result, target: '0.8 to 1.2' };
  } finally {
    stalling.server.close();
    for (const sink of [...sinks, flaky]) await sink.stop();
    await service.stop();
  }
}

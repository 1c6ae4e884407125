import { once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OwnService, startOwnService } from '../../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { post } from '../support/post.js';
import { type OwnDatabase, freePort, withDatabase } from '../support/servers.js';
import { type Sink, startSink } from '../support/sink.js';
import { median } from '../support/throughput.js';

const HEALTHY = 7;
const ROUNDS = 3;
/** Batches of one callback per destination, and the time between two batches. */
const BATCHES = 100;
const BATCH_EVERY_MS = 50;

/** Effect of three unhealthy destinations (down, stalled, 20% errors) on the callback delay of seven healthy ones. */
export function unhealthyDestinations(): Promise<Measurement[]> {
  return withDatabase(measure);
}

/** Starts a receiver that accepts every connection and never answers. */
async function startStalling(): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

/** Mean over seven destinations of the median time between a request's completion and its first callback attempt. */
async function medianDelayMs(
  service: OwnService,
  { client }: OwnDatabase,
  name: string,
  urls: string[],
): Promise<number> {
  const startedAt = performance.now();
  for (let n = 0; n < BATCHES; n++) {
    const one = { report: 'digest', input_data: name, iterations: 1, lane: `${name}-${n % 4}` };
    await post(`${service.url}/api/batch`, { requests: urls.map((callback_url) => ({ ...one, callback_url })) });
    await sleep(Math.max(0, startedAt + (n + 1) * BATCH_EVERY_MS - performance.now()));
  }
  const text = `SELECT sum(count) AS count, avg(ms)::float8 AS ms FROM (
      SELECT count(*) AS count,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.attempted_at - r.completed_at) * 1000) AS ms
      FROM requests r JOIN callback_logs l ON l.request_id = r.id AND l.attempt_number = 1
      WHERE r.lane LIKE $1 AND r.callback_url = ANY ($2) GROUP BY r.callback_url
    ) each`;
  for (;;) {
    const { rows } = await client.query<{ count: string; ms: number }>(text, [`${name}-%`, urls.slice(0, HEALTHY)]);
    if (Number(rows[0]!.count) === HEALTHY * BATCHES) return rows[0]!.ms;
    await sleep(50);
  }
}

async function measure(database: OwnDatabase): Promise<Measurement[]> {
  const service = await startOwnService({ DATABASE_URL: database.url });
  const sinks: Sink[] = [];
  for (let n = 0; n < HEALTHY; n++) sinks.push(await startSink());
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
    return [{ title, result, target: '0.8 to 1.2' }];
  } finally {
    stalling.server.close();
    for (const sink of [...sinks, flaky]) await sink.stop();
    await service.stop();
  }
}

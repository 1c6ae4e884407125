import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallbackReceiver } from '../callback-receiver.js';
import { runLoad } from '../engine.js';
import { startOwnService } from '../own-service.js';
import { residentMib, startHello, startRedis } from './servers.js';
import { type Shot, emptyBull, median, throughput } from './throughput.js';

/** One measurement in a line, and what it was compared with. */
export interface Measurement {
  title: string;
  result: string;
}

const ROUNDS = 3;
const ROUND_MS = 3_000;
const WARM_UP_MS = 2_000;
const DRAIN = 2_000;
const ITERATIONS = 50_000;
const DIGESTS = 40;
const STORM = 30;

const ACCEPT = { input_data: 'x', iterations: 1, callback_url: null };
const HELLO: Shot = { path: '/hello', body: ACCEPT };
const HEALTH: Shot = { path: '/healthz', method: 'GET' };

const two = (value: number) => value.toFixed(2);

/** Accepting durably, against the least that Nest can do, in turns. The process accepts only. */
export async function acceptance(redisUrl: string): Promise<Measurement[]> {
  const hello = await startHello();
  const service = await startOwnService({ ROLE: 'api', REDIS_URL: redisUrl });
  try {
    const bare: Shot = { path: '/api/async', body: { ...ACCEPT, lane: 'bare' } };
    const keyed: Shot = { ...bare, headers: () => ({ 'idempotency-key': randomUUID() }) };
    const kinds = { bare, keyed };
    const results: Measurement[] = [];
    for (const [name, shot] of Object.entries(kinds)) {
      await throughput(hello.url, HELLO, WARM_UP_MS);
      await throughput(service.url, shot, WARM_UP_MS);
      const ratios: number[] = [];
      const rates: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const { perS } = await throughput(service.url, shot, ROUND_MS);
        rates.push(perS);
        ratios.push(perS / (await throughput(hello.url, HELLO, ROUND_MS)).perS);
      }
      const title = `Accepting async requests${name === 'keyed' ? ' with an idempotency key' : ''} (32 connections) over a bare Nest POST`;
      results.push({ title, result: `${two(median(ratios))} (${Math.round(median(rates))}/s)` });
    }
    return results;
  } finally {
    await service.stop();
    await hello.stop();
  }
}

/** One strict lane of 200-row files with a callback each, accepted meanwhile, against a queue that does nothing. */
export async function drain(redisUrl: string): Promise<Measurement[]> {
  const service = await startOwnService({ REDIS_URL: redisUrl });
  const token = `run_${randomBytes(8).toString('hex')}`;
  const receiver = await CallbackReceiver.open({ listenHost: '127.0.0.1', port: 0, publicHost: '127.0.0.1', token });
  try {
    const plan = {
      mode: 'async',
      targetUrl: service.url,
      body: { num_transactions: 200, report_name: 'Benchmark' },
      model: { kind: 'closed', requests: DRAIN, concurrency: 32 },
      headers: {},
      patienceMs: 30_000,
    } as const;
    const ratios: number[] = [];
    const rates: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const lane = `drain-${round}`;
      const { async } = await runLoad({ ...plan, lane }, receiver, () => undefined, new AbortController().signal);
      // The first round warms up.
      const bull = await emptyBull(redisUrl, DRAIN);
      if (round === 0) continue;
      rates.push(async!.callbacks!.achievedPerS);
      ratios.push(async!.callbacks!.achievedPerS / bull);
    }
    const title =
      'One strict lane, from accepting to callbacks of 200-row CSV reports, over a Bull queue that does nothing';
    return [{ title, result: `${two(median(ratios))} (${Math.round(median(rates))}/s)` }];
  } finally {
    await receiver.close();
    await service.stop();
  }
}

/** What a fresh service costs, and what sync work does to it. */
export async function syncWork(): Promise<Measurement[]> {
  const startMs = performance.now();
  const service = await startOwnService({});
  const startS = (performance.now() - startMs) / 1_000;
  try {
    await sleep(2_000);
    const idleMib = residentMib(service.pid);
    const digest: Shot = { path: '/api/sync', body: { input_data: 'benchmark', iterations: ITERATIONS } };
    await throughput(service.url, digest, WARM_UP_MS, 4);
    const pooled = (await throughput(service.url, digest, ROUND_MS, 4)).perS;
    const ratio = pooled / bareDigestsPerS();
    const quiet = await throughput(service.url, HEALTH, ROUND_MS, 1);
    const storm = throughput(service.url, digest, ROUND_MS, STORM);
    await sleep(200);
    const stormy = await throughput(service.url, HEALTH, ROUND_MS - 500, 1);
    await storm;
    return [
      {
        title: 'Digests of 50,000 rounds over POST /api/sync, over a plain createHash loop on one thread',
        result: `${two(ratio)} (${pooled.toFixed(0)}/s)`,
      },
      {
        title: `p99 of GET /healthz while ${STORM} such syncs are under way, over its p99 when idle`,
        result: `${two(stormy.p99 / quiet.p99)} (${two(stormy.p99)} ms over ${two(quiet.p99)} ms)`,
      },
      { title: 'First start, with a new embedded Postgres, until ready', result: `${startS.toFixed(1)} s` },
      { title: 'Memory of the idle process (RSS, without Postgres)', result: `${idleMib} MiB` },
    ];
  } finally {
    await service.stop();
  }
}

/** The same work without a service, on this thread. */
function bareDigestsPerS(): number {
  const startMs = performance.now();
  for (let n = 0; n < DIGESTS; n++) {
    let digest = createHash('sha256').update('benchmark').digest();
    for (let round = 1; round < ITERATIONS; round++) digest = createHash('sha256').update(digest).digest();
  }
  return (DIGESTS / (performance.now() - startMs)) * 1_000;
}

/** Everything, with a Redis of its own. */
export async function measureAll(tell: (measurement: Measurement) => void): Promise<Measurement[]> {
  const redis = await startRedis();
  const all: Measurement[] = [];
  try {
    for (const measure of [syncWork, () => acceptance(redis.url), () => drain(redis.url)]) {
      const measured = await measure();
      measured.forEach(tell);
      all.push(...measured);
    }
    return all;
  } finally {
    await redis.stop();
  }
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { driveOpen } from '../src/benchmark/engine/arrivals.js';
import { LatencyRecorder } from '../src/benchmark/engine/latency.js';
import { startOwnService } from '../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { type Shot, median, throughput } from './throughput.js';

const ROUNDS = 3;
const ROUND_MS = 3_000;
const STORM = 30;
const ITERATIONS = 50_000;
const digest = (iterations: number): Shot => ({ path: '/api/sync', body: { input_data: 'benchmark', iterations } });
const DIGEST = digest(ITERATIONS);
/** So many are made of it that the service's code is compiled; of the storm's own that would take minutes. */
const WARM_UP = digest(1);
/** Health checks come at their own pace, however long they take; as many as leave the cores to the storm. */
const CHECKS_PER_S = 100;
const HASHING = fileURLToPath(new URL('./hashing.process.js', import.meta.url));

/** A storm of sync requests: how fast they are made, and how health checks fare meanwhile. */
export async function syncWork(): Promise<Measurement[]> {
  const service = await startOwnService({});
  try {
    for (const shot of [WARM_UP, DIGEST]) await throughput(service.url, shot, ROUND_MS, STORM);
    const ratios: number[] = [];
    const rates: number[] = [];
    const quietP99: number[] = [];
    const stormP99: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const bare = await bareDigestsPerS();
      quietP99.push(await healthP99(service.url));
      const storm = throughput(service.url, DIGEST, ROUND_MS, STORM);
      stormP99.push(await healthP99(service.url));
      const { perS } = await storm;
      rates.push(perS);
      ratios.push(perS / bare);
    }
    const health = median(stormP99);
    return [
      {
        title: `${STORM} concurrent digests of 50,000 rounds over POST /api/sync, over all cores hashing bare with node:crypto`,
        result: `${median(ratios).toFixed(2)} (${median(rates).toFixed(0)}/s)`,
        target: '≥ 0.9',
      },
      {
        title: 'p99 of GET /healthz meanwhile',
        result: `${health.toFixed(1)} ms (${median(quietP99).toFixed(1)} ms when idle)`,
        target: '≤ 20 ms',
      },
    ];
  } finally {
    await service.stop();
  }
}

/** From when each check was due, in milliseconds. */
async function healthP99(url: string): Promise<number> {
  const pool = new Pool(url);
  const latency = new LatencyRecorder();
  const model = { kind: 'open', ratePerS: CHECKS_PER_S, durationMs: ROUND_MS, rampMs: 0 } as const;
  const check = async (_: number, dueMs: number): Promise<void> => {
    const { statusCode, body } = await pool.request({ path: '/healthz', method: 'GET' });
    await body.dump();
    if (statusCode !== 200) throw new Error(`/healthz: ${statusCode}`);
    latency.record(0, performance.now() - dueMs);
  };
  await driveOpen(model, check, () => Promise.resolve(true));
  await pool.close();
  return latency.summary().p99!;
}

/** The same work without a service: one process for each core, which does nothing else. */
async function bareDigestsPerS(): Promise<number> {
  const children = Array.from({ length: availableParallelism() }, () =>
    fork(HASHING, [String(ITERATIONS), String(ROUND_MS)], { execArgv: [] }),
  );
  const told = await Promise.all(children.map((child) => once(child, 'message') as Promise<[number]>));
  return told.reduce((sum, [perS]) => sum + perS, 0);
}

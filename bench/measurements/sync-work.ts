import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Pool } from 'undici';
import { driveOpen } from '../../src/benchmark/engine/arrivals.js';
import { LatencyRecorder } from '../../src/benchmark/engine/latency.js';
import { startOwnService } from '../../src/benchmark/cli/own-service.js';
import { forkProgram } from '../support/fork.js';
import type { Measurement } from './measurement.js';
import { type Shot, median, throughput } from '../support/throughput.js';

const ROUNDS = 3;
const ROUND_MS = 3_000;
const STORM = 30;
const ITERATIONS = 50_000;
const digest = (iterations: number): Shot => ({ path: '/api/sync', body: { input_data: 'benchmark', iterations } });
const DIGEST = digest(ITERATIONS);
/** Cheap digests, so that V8 compiles the service's code within seconds. Full digests would take minutes. */
const WARM_UP = digest(1);
/** Rate of health checks (open model), low enough to leave the cores to the storm. */
const CHECKS_PER_S = 100;

/** Throughput of a storm of sync requests, and the latency of health checks during it. */
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
        title: 'p99 of GET /healthz during that load',
        result: `${health.toFixed(1)} ms (${median(quietP99).toFixed(1)} ms when idle)`,
        target: '≤ 20 ms',
      },
    ];
  } finally {
    await service.stop();
  }
}

/** p99 of health checks, in milliseconds from the time each was due. */
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

/** Digests per second without a service: one process per core that only hashes. */
async function bareDigestsPerS(): Promise<number> {
  const children = Array.from({ length: availableParallelism() }, () =>
    forkProgram('hashing.process', [String(ITERATIONS), String(ROUND_MS)]),
  );
  const rates = await Promise.all(children.map((child) => once(child, 'message') as Promise<[number]>));
  return rates.reduce((sum, [perS]) => sum + perS, 0);
}

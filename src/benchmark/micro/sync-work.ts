import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startOwnService } from '../own-service.js';
import type { Measurement } from './measurement.js';
import { type Shot, median, throughput } from './throughput.js';

const ROUNDS = 3;
const ROUND_MS = 3_000;
const STORM = 30;
const ITERATIONS = 50_000;
const DIGEST: Shot = { path: '/api/sync', body: { input_data: 'benchmark', iterations: ITERATIONS } };
const HEALTH: Shot = { path: '/healthz', method: 'GET' };
const HASHING = fileURLToPath(new URL('./hashing.process.js', import.meta.url));

/** A storm of sync requests: how fast they are made, and how health checks fare meanwhile. */
export async function syncWork(): Promise<Measurement[]> {
  const service = await startOwnService({});
  try {
    await throughput(service.url, DIGEST, ROUND_MS, STORM);
    const ratios: number[] = [];
    const rates: number[] = [];
    const quietP99: number[] = [];
    const stormP99: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const bare = await bareDigestsPerS();
      quietP99.push((await throughput(service.url, HEALTH, ROUND_MS, 1)).p99);
      const storm = throughput(service.url, DIGEST, ROUND_MS, STORM);
      await sleep(200);
      stormP99.push((await throughput(service.url, HEALTH, ROUND_MS - 500, 1)).p99);
      const { perS } = await storm;
      rates.push(perS);
      ratios.push(perS / bare);
    }
    const health = median(stormP99);
    return [
      {
        title: `${STORM} concurrent digests of 50,000 rounds over POST /api/sync, over all cores hashing bare`,
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

/** The same work without a service: one process for each core, which does nothing else. */
async function bareDigestsPerS(): Promise<number> {
  const children = Array.from({ length: availableParallelism() }, () =>
    fork(HASHING, [String(ITERATIONS), String(ROUND_MS)], { execArgv: [] }),
  );
  const told = await Promise.all(children.map((child) => once(child, 'message') as Promise<[number]>));
  return told.reduce((sum, [perS]) => sum + perS, 0);
}

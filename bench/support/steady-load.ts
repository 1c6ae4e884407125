import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'undici';
import { LatencyRecorder } from '../../src/benchmark/engine/latency.js';

const TICK_MS = 10;

/**
 * Sends async requests at a rate, whatever their answers take, and waits for the answers.
 * @param perS Requests per second.
 * @param bodyOf The body of the n-th request.
 * @returns The p99 of their latency, in milliseconds.
 * @throws Error unless all are accepted.
 */
export async function steadyLoad(
  pool: Pool,
  perS: number,
  forMs: number,
  bodyOf: (n: number) => object,
): Promise<number> {
  const latency = new LatencyRecorder();
  const answers: Promise<void>[] = [];
  const startMs = performance.now();
  const count = Math.round((forMs / 1_000) * perS);
  const dueMs = (n: number): number => (n * 1_000) / perS;
  for (let n = 0; n < count; await sleep(TICK_MS)) {
    for (; n < count && dueMs(n) <= performance.now() - startMs; n++) {
      const sentMs = performance.now() - startMs;
      answers.push(accept(pool, bodyOf(n)).then(() => latency.record(sentMs, performance.now() - startMs - sentMs)));
    }
  }
  await Promise.all(answers);
  return latency.summary().p99 ?? Number.NaN;
}

async function accept(pool: Pool, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await pool.request({ path: '/api/async', method: 'POST', headers, body: JSON.stringify(body) });
  await answer.body.dump();
  if (answer.statusCode !== 202) throw new Error(`POST /api/async: ${answer.statusCode}`);
}

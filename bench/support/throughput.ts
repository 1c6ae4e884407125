import Bull from 'bull';
import { Pool } from 'undici';
import { LatencyRecorder } from '../../src/benchmark/engine/latency.js';

export interface Shot {
  path: string;
  method?: 'GET' | 'POST';
  body?: object;
  headers?: () => Record<string, string>;
}

export interface Throughput {
  perS: number;
  p99: number;
}

const CONNECTIONS = 32;

/** Repeats one request over all connections for `forMs`. @throws Error unless every status is 2xx. */
export async function throughput(
  url: string,
  shot: Shot,
  forMs: number,
  connections = CONNECTIONS,
): Promise<Throughput> {
  const { path, method = 'POST', body, headers } = shot;
  const pool = new Pool(url, { connections });
  const latency = new LatencyRecorder();
  const startMs = performance.now();
  const client = async (): Promise<void> => {
    while (performance.now() - startMs < forMs) {
      const sentMs = performance.now();
      const answer = await pool.request({
        path,
        method,
        headers: { ...(body && { 'content-type': 'application/json' }), ...headers?.() },
        body: body && JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`);
      latency.record(sentMs - startMs, performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  const perS = (latency.count / (performance.now() - startMs)) * 1_000;
  await pool.close();
  return { perS, p99: latency.summary().p99 ?? 0 };
}

/** Jobs per second of a Bull queue with an empty processor at concurrency 1. */
export async function emptyBull(redisUrl: string, jobs: number): Promise<number> {
  const queue = new Bull('empty', redisUrl);
  await queue.addBulk(Array.from({ length: jobs }, () => ({ data: {}, opts: { removeOnComplete: true } })));
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    let left = jobs;
    void queue.process(1, () => {
      if (--left === 0) resolve();
      return Promise.resolve();
    });
  });
  const perS = (jobs / (performance.now() - startMs)) * 1_000;
  await queue.close();
  return perS;
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

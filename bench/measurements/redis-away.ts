import { startOwnService } from '../../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { startRedis } from '../support/servers.js';
import { type Shot, throughput } from '../support/throughput.js';

const CONNECTIONS = 8;
const ROUND_MS = 3_000;
const WARM_UP_MS = 2_000;

const SHOT: Shot = { path: '/api/async', body: { input_data: 'x', iterations: 1, callback_url: null } };
/** A limit that is never reached, so requests are counted, in Redis while it is available. */
const SETTINGS = { ROLE: 'api', RATE_LIMIT_ASYNC: '100000000/60s' };

/** Accept latency after Redis is lost: killed (connections are refused) or stopped (connections hang). */
export async function acceptingWithoutRedis(): Promise<Measurement[]> {
  const results: string[] = [];
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const redis = await startRedis();
    const service = await startOwnService({ ...SETTINGS, REDIS_URL: redis.url });
    try {
      await throughput(service.url, SHOT, WARM_UP_MS, CONNECTIONS);
      redis.kill(signal);
      const { p99 } = await throughput(service.url, SHOT, ROUND_MS, CONNECTIONS);
      results.push(`${p99.toFixed(1)} ms`);
    } finally {
      await service.stop();
      await redis.stop();
    }
  }
  const title = 'Accepting async requests from the moment that Redis is killed, or hangs, p99 (8 connections)';
  return [{ title, result: results.join(', '), target: '< 100 ms' }];
}

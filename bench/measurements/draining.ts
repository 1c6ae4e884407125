import { startOwnService } from '../../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { post } from '../support/post.js';
import { withRedis } from '../support/servers.js';
import { startSink } from '../support/sink.js';
import { emptyBull, median } from '../support/throughput.js';

const REQUESTS = 5_000;
const BATCH = 500;
const ROUNDS = 5;
/** Rounds until V8 has compiled the service's hot code. */
const WARM_UP_ROUNDS = 4;

/**
 * Rate of one strict lane from lease to logged callback, with a generated and stored CSV of 200 rows per request,
 * alternating with a Bull queue whose processor does nothing.
 */
export function draining(): Promise<Measurement[]> {
  return withRedis(measure);
}

async function measure(redisUrl: string): Promise<Measurement[]> {
  const service = await startOwnService({ REDIS_URL: redisUrl });
  const sink = await startSink();
  try {
    const ratios: number[] = [];
    const rates: number[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      const bull = await emptyBull(redisUrl, REQUESTS);
      const lane = `drain-${round}`;
      const one = { num_transactions: 200, report_name: 'Benchmark', callback_url: sink.url, lane };
      // The first request creates the lane; only then can it be paused.
      const first = sink.received(1);
      await post(`${service.url}/api/async`, one);
      await first;
      await post(`${service.url}/api/lanes/${lane}/pause`);
      for (let sent = 0; sent < REQUESTS; sent += BATCH) {
        await post(`${service.url}/api/batch`, { requests: Array.from({ length: BATCH }, () => one) });
      }
      const all = sink.received(REQUESTS);
      const startMs = performance.now();
      await post(`${service.url}/api/lanes/${lane}/resume`);
      await all;
      const perS = (REQUESTS / (performance.now() - startMs)) * 1_000;
      if (round < WARM_UP_ROUNDS) continue;
      rates.push(perS);
      ratios.push(perS / bull);
    }
    const title =
      'Draining one strict lane of 200-row CSV reports with ordered callbacks, over a Bull queue that does nothing';
    return [{ title, result: `${median(ratios).toFixed(2)} (${Math.round(median(rates))}/s)`, target: '≥ 1.0' }];
  } finally {
    await sink.stop();
    await service.stop();
  }
}

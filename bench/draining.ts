import { startOwnService } from '../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { post } from './post.js';
import { startSink } from './sink.js';
import { emptyBull, median } from './throughput.js';

const REQUESTS = 5_000;
const BATCH = 500;
const ROUNDS = 5;
/** Until the service's code is compiled as far as it will be. */
const WARM_UP_ROUNDS = 4;

/**
 * One strict lane: claimed, a CSV of 200 rows made, stored and completed, its callback sent in order and logged. Against a
 * Bull queue whose processor does nothing, in turns.
 */
export async function draining(redisUrl: string): Promise<Measurement[]> {
  const service = await startOwnService({ REDIS_URL: redisUrl });
  const sink = await startSink();
  try {
    const ratios: number[] = [];
    const rates: number[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      const bull = await emptyBull(redisUrl, REQUESTS);
      const lane = `drain-${round}`;
      const one = { num_transactions: 200, report_name: 'Benchmark', callback_url: sink.url, lane };
      // A lane exists from its first request on.
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

import { accepting, acceptingUnderBacklog } from './accepting.js';
import { claiming } from './claiming.js';
import { deliveries } from './deliveries.js';
import { draining } from './draining.js';
import { footprint } from './footprint.js';
import type { Measurement } from './measurement.js';
import { acceptingWithoutRedis } from './redis-away.js';
import { reportRows } from './report-rows.js';
import { startRedis } from './servers.js';
import { syncWork } from './sync-work.js';

/** Everything, with a Redis of its own. */
export async function measureAll(tell: (measurement: Measurement) => void): Promise<Measurement[]> {
  const redis = await startRedis();
  const all: Measurement[] = [];
  try {
    for (const measure of [
      () => accepting(redis.url),
      () => acceptingUnderBacklog(redis.url),
      acceptingWithoutRedis,
      () => draining(redis.url),
      () => deliveries(redis.url),
      claiming,
      syncWork,
      reportRows,
      footprint,
    ]) {
      const measured = await measure();
      measured.forEach(tell);
      all.push(...measured);
    }
    return all;
  } finally {
    await redis.stop();
  }
}

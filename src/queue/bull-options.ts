import type { Queue, QueueOptions } from 'bull';
import { Redis, type RedisOptions } from 'ioredis';
import { withTimeout } from '../platform/concurrency/timeout.js';

/** Wait before reconnecting to Redis, growing to this many milliseconds. */
const RECONNECT_MAX_MS = 2_000;
/** Longest that closing a queue may take when Redis does not answer. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Options of one of Bull's queues.
 * @param role A producer fails fast while Redis is away; a consumer waits for it, as Bull demands of its connections.
 */
export function bullOptions(redisUrl: string, role: 'producer' | 'consumer'): QueueOptions {
  const failFast: RedisOptions = role === 'producer' ? { enableOfflineQueue: false } : {};
  // Given options, Bull closes its connections; given a `createClient`, it would leave them open. Only ioredis reads
  // every form of URL (rediss:, a user, a database), and tells what it read.
  const { options } = new Redis(redisUrl, { lazyConnect: true });
  return {
    // A wake-up is worth nothing once it was taken, and a failed one is made good by the sweeper: keep neither.
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    redis: {
      ...options,
      ...failFast,
      lazyConnect: false,
      maxRetriesPerRequest: null,
      enableReadyCheck: false,
      retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MAX_MS),
    },
  };
}

/** Closes a queue whose handler has nothing in hand any more, without waiting for a Redis that is away. */
export async function closeQuietly(queue: Queue): Promise<void> {
  const closed = queue.close(true).catch(() => undefined);
  await withTimeout(closed, CLOSE_TIMEOUT_MS, () => {
    // Bull waits for a connection before it ends it, for ever if need be, and whoever else closes this queue with it.
    for (const client of queue.clients) client.disconnect();
  });
}

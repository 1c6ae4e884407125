import type { Queue, QueueOptions } from 'bull';
import { Redis, type RedisOptions } from 'ioredis';
import { withTimeout } from '../platform/concurrency/timeout.js';

/** Longest delay between two attempts to reconnect to Redis. */
const RECONNECT_MAX_MS = 2_000;
/** Timeout of closing a queue while Redis does not answer. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Returns the options of a Bull queue.
 * @param role A producer fails fast while Redis is down; a consumer waits for it, as Bull requires of its connections.
 */
export function bullOptions(redisUrl: string, role: 'producer' | 'consumer'): QueueOptions {
  const failFast: RedisOptions = role === 'producer' ? { enableOfflineQueue: false } : {};
  // Bull closes connections that it opens from options, and not those of a `createClient`. Only ioredis parses every form
  // of URL (rediss:, a user, a database).
  const { options } = new Redis(redisUrl, { lazyConnect: true });
  return {
    // A wake-up that was taken has no further use, and the sweeper makes up for a failed one.
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

/** Closes a queue whose handler is idle, without waiting for a Redis that is down. */
export async function closeQuietly(queue: Queue): Promise<void> {
  const closed = queue.close(true).catch(() => undefined);
  await withTimeout(closed, CLOSE_TIMEOUT_MS, () => {
    // Bull waits for a connection before it closes it, without a limit. So would every other caller of close().
    for (const client of queue.clients) client.disconnect();
  });
}

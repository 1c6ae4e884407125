import { Redis } from 'ioredis';
import { startRedisServer, type RedisServer } from './redis-server.js';

/**
 * Returns the URL of an empty database in the Redis of the run. Only the calling test file uses it. Call it once per
 * file.
 */
export async function redisUrl(): Promise<string> {
  const url = new URL(process.env.TEST_REDIS_URL!);
  // A Jest worker runs one file at a time, so its number identifies the file.
  url.pathname = `/${process.env.JEST_WORKER_ID!}`;
  const redis = new Redis(url.href);
  await redis.flushdb();
  await redis.quit();
  return url.href;
}

const started: RedisServer[] = [];

/** Starts a separate Redis, which a test may kill and restart on the same port. It stops after the test file. */
export async function startRedis(options: { port?: number } = {}): Promise<RedisServer> {
  const server = await startRedisServer(options);
  started.push(server);
  return server;
}

afterAll(() => Promise.all(started.map((server) => server.kill())));

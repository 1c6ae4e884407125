import { Redis } from 'ioredis';
import { startRedisServer, type RedisServer } from './redis-server.js';

/** The Redis of the run, in an empty database that no other test file uses at the same time. Once per test file. */
export async function redisUrl(): Promise<string> {
  const url = new URL(process.env.TEST_REDIS_URL!);
  // A worker of Jest runs one file at a time, so its number is enough.
  url.pathname = `/${process.env.JEST_WORKER_ID!}`;
  const redis = new Redis(url.href);
  await redis.flushdb();
  await redis.quit();
  return url.href;
}

const started: RedisServer[] = [];

/** A Redis of one's own, to be killed and started again on the same port; stopped after the test file. */
export async function startRedis(options: { port?: number } = {}): Promise<RedisServer> {
  const server = await startRedisServer(options);
  started.push(server);
  return server;
}

afterAll(() => Promise.all(started.map((server) => server.kill())));

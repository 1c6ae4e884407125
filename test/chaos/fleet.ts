import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { freePort } from '../support/free-port.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type S3Server, runS3Server } from '../support/run-s3-server.js';
import { Link } from './link.js';
import { APIS, LEASE_MS, PROCESSES, type ProcessName } from './schedule.js';
import { Service } from './service.js';
import { StoreDisk } from './store-disk.js';

const SETTINGS = {
  RATE_LIMIT_SYNC: 'off',
  RATE_LIMIT_ASYNC: 'off',
  // Another fault fills the small disk of the files.
  MIN_FREE_DISK: 'off',
  RATE_LIMIT_BATCH: 'off',
  RATE_LIMIT_DEFAULT: 'off',
  MAX_PENDING: '2000',
  DATABASE_POOL: '8',
  REPORT_THREADS: '1',
  LANE_LEASE: `${LEASE_MS}ms`,
  SWEEP_INTERVAL: '500ms',
  CALLBACK_ALLOW: '127.0.0.1/32',
  CALLBACK_TIMEOUT: '1s',
  CALLBACK_RETRY_DELAYS: '300ms,600ms,1200ms',
};

/** Two API processes and three workers with their own Postgres and Redis, all on this machine. */
export class Fleet {
  readonly services = new Map<ProcessName, Service>();
  readonly disk: StoreDisk;
  /** The connection of the API processes to Redis. The workers connect directly. */
  link!: Link;
  private postgres!: EmbeddedPostgres;
  private redis!: RedisServer;
  private postgresPort = 0;

  private bucket: S3Server | null = null;

  /** @param storage The place of the report files. */
  constructor(
    private readonly folder: string,
    private readonly storage: 'disk' | 's3',
  ) {
    this.disk = new StoreDisk(join(folder, 'data', 'files'));
  }

  async start(): Promise<void> {
    await mkdir(join(this.folder, 'postgres'), { recursive: true });
    await this.disk.mount();
    process.env.TEST_FOLDER = this.folder; // The Redis server writes its pid file there.
    this.postgresPort = await freePort();
    const redis = startRedisServer({ port: await freePort() });
    [this.postgres, this.redis] = await Promise.all([this.startPostgres(), redis]);
    if (this.storage === 's3') {
      await mkdir(join(this.folder, 'bucket'));
      this.bucket = await runS3Server(join(this.folder, 'bucket'));
    }
    this.link = new Link(this.redis.port);
    const linkPort = await this.link.listen();
    const shared = {
      ...SETTINGS,
      ...this.bucket?.settings,
      DATA_DIR: join(this.folder, 'data'),
      DATABASE_URL: this.databaseUrl,
    };
    for (const name of PROCESSES) {
      const isApi = APIS.some((api) => api === name);
      const redisPort = isApi ? linkPort : this.redis.port;
      const env = { ...shared, ROLE: isApi ? 'api' : 'worker', REDIS_URL: `redis://127.0.0.1:${redisPort}` };
      this.services.set(name, new Service(name, this.folder, env));
    }
    await Promise.all([...this.services.values()].map((service) => service.start()));
  }

  get databaseUrl(): string {
    return this.postgres.url;
  }

  get apiUrls(): string[] {
    return APIS.map((name) => this.services.get(name)!.url);
  }

  /**
   * Stops Postgres as `pg_ctl stop` does, and starts it again after a pause. An immediate stop needs crash recovery.
   */
  async restartPostgres(how: 'fast' | 'immediate', afterMs: number): Promise<void> {
    const { directory, url } = this.postgres;
    const pidFile = join(directory, 'data', 'postmaster.pid');
    process.kill(parseInt(await readFile(pidFile, 'utf8'), 10), how === 'fast' ? 'SIGINT' : 'SIGQUIT');
    while (
      await stat(pidFile).then(
        () => true,
        () => false,
      )
    )
      await sleep(50);
    await sleep(afterMs);
    this.postgres = await this.startPostgres();
    if (this.postgres.url !== url) throw new Error('Postgres came back at another port');
  }

  /** Kills Redis, and starts it empty after a pause. */
  async restartRedis(afterMs: number): Promise<void> {
    await this.redis.kill();
    await sleep(afterMs);
    this.redis = await startRedisServer({ port: this.redis.port });
  }

  /** Stops the server of the bucket, or has it answer every request with 503, for a while. */
  async loseBucket(how: 'stopped' | 'failing', forMs: number): Promise<void> {
    if (how === 'stopped') await this.bucket?.stop();
    else this.bucket?.failOn(() => true);
    await sleep(forMs);
    if (how === 'stopped') await this.bucket?.start();
    else this.bucket?.failOn(() => false);
  }

  async flushRedis(): Promise<void> {
    const redis = new Redis(this.redis.url);
    await redis.flushall();
    redis.disconnect();
  }

  /** Stops everything. The logs remain. */
  async stop(): Promise<void> {
    await Promise.all([...this.services.values()].map((service) => service.kill()));
    this.link?.close();
    await Promise.allSettled([this.postgres?.stop(), this.redis?.stop(), this.bucket?.stop()]);
    await this.disk.unmount();
  }

  private startPostgres(): Promise<EmbeddedPostgres> {
    const settings = { port: String(this.postgresPort) };
    return startEmbeddedPostgres({ dataDir: join(this.folder, 'postgres'), log: () => undefined, settings });
  }
}

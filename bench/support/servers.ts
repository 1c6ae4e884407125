import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/platform/database/embedded/embedded-postgres.js';
import { BenchError } from '../../src/benchmark/cli/cli-error.js';
import { temporaryFolder } from '../../src/benchmark/cli/temporary-folder.js';
import { forkProgram } from './fork.js';

const READY_TIMEOUT_MS = 10_000;

/** A server started for a measurement. */
export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** A free port of the loopback interface. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/**
 * Starts a Nest app with one route in its own process.
 * @param server Nest's stock Express adapter, or the service's own.
 */
export async function startHello(server: 'stock' | 'own-server' = 'stock'): Promise<Server> {
  const child = forkProgram('hello.app', [server]);
  const [{ url }] = (await once(child, 'message', { signal: AbortSignal.timeout(READY_TIMEOUT_MS) })) as [Server];
  return { url: url.replace('[::1]', '127.0.0.1'), stop: () => stop(child) };
}

export interface RedisServer extends Server {
  kill(signal: NodeJS.Signals): void;
}

/** Starts a Redis without persistence. @throws BenchError if redis-server is not installed. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child, 'spawn').catch(() => {
    throw new BenchError('This measurement needs redis-server. Install it.');
  });
  let output = '';
  const giveUp = AbortSignal.timeout(READY_TIMEOUT_MS);
  while (!output.includes('Ready to accept connections')) {
    const [chunk] = (await once(child.stdout, 'data', { signal: giveUp })) as [Buffer];
    output += chunk.toString();
  }
  child.stdout.resume();
  const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
  return { url: `redis://127.0.0.1:${port}`, kill, stop: () => stop(child) };
}

/** An empty Postgres and its folder. */
export interface OwnDatabase {
  url: string;
  client: pg.Client;
  folder: string;
}

/** Runs `work` with a new Redis, which is stopped afterwards. */
export async function withRedis<T>(work: (redisUrl: string) => Promise<T>): Promise<T> {
  const redis = await startRedis();
  try {
    return await work(redis.url);
  } finally {
    await redis.stop();
  }
}

/** Runs `work` with a new Postgres, which is stopped and deleted afterwards. */
export async function withDatabase<T>(work: (database: OwnDatabase) => Promise<T>): Promise<T> {
  const folder = await temporaryFolder();
  const postgres = await startEmbeddedPostgres({ dataDir: folder.path, log: () => undefined });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return await work({ url: postgres.url, client, folder: folder.path });
  } finally {
    await client.end();
    await postgres.stop();
    await folder.remove();
  }
}

/** Resident memory of a process, in MiB. */
export function residentMib(pid: number): number {
  return Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1_024);
}

/** CPU time of a process and its threads, in milliseconds, to the 10 ms of a /proc tick. NaN without /proc. */
export function cpuMsOf(pid: number): number {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13);
    return (Number(user) + Number(system)) * 10;
  } catch {
    return Number.NaN;
  }
}

import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/platform/database/embedded/embedded-postgres.js';
import { BenchError } from '../src/benchmark/cli/cli-error.js';

const READY_TIMEOUT_MS = 10_000;

/** A server that is there for the measurements. */
export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** A port of loopback that nobody listens on right now. */
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
 * A bare Nest app with one route, in a process of its own.
 * @param server As Nest makes it, or as the service does.
 */
export async function startHello(server: 'stock' | 'own-server' = 'stock'): Promise<Server> {
  const child = fork(fileURLToPath(new URL('./hello.app.js', import.meta.url)), [server], { execArgv: [] });
  const [{ url }] = (await once(child, 'message', { signal: AbortSignal.timeout(READY_TIMEOUT_MS) })) as [Server];
  return { url: url.replace('[::1]', '127.0.0.1'), stop: () => stop(child) };
}

export interface RedisServer extends Server {
  kill(signal: NodeJS.Signals): void;
}

/** A Redis that keeps nothing. @throws BenchError when there is no redis-server. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child, 'spawn').catch(() => {
    throw new BenchError('redis-server is needed for these measurements; install it');
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

/** A Postgres with nothing in it, and a folder that goes with it. */
export interface OwnDatabase {
  url: string;
  client: pg.Client;
  folder: string;
}

/** Works with a Postgres of its own. */
export async function withDatabase<T>(work: (database: OwnDatabase) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-bench-'));
  // As root an embedded Postgres runs under another user, which has to enter.
  await chmod(folder, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir: folder, log: () => undefined });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return await work({ url: postgres.url, client, folder });
  } finally {
    await client.end();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Memory of a process, in MiB. */
export function residentMib(pid: number): number {
  return Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1_024);
}

/** CPU time that a process has used, its threads included, in milliseconds; a tick of /proc is 10 ms. NaN without /proc. */
export function cpuMsOf(pid: number): number {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13);
    return (Number(user) + Number(system)) * 10;
  } catch {
    return Number.NaN;
  }
}

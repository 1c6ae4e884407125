import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, realpath, rename, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Cluster } from './cluster.js';
import { readLockFile, removeStaleLock } from './lock-file.js';
import { EmbeddedPostgresError, foreignEnvironment, oneLine, run } from './postgres-binaries.js';

/** A connection that shows other processes that the server is in use. The types of `pg` lack two methods. */
export type Presence = Client & { ref(): void; unref(): void };

const CLIENT = { connectionTimeoutMillis: 5_000, query_timeout: 5_000 };
const START_TIMEOUT_MS = 30_000;
const READY_CHECK_MS = 50;
const LOG_LIMIT_BYTES = 10_000_000;
/** How long a connection that was just closed may still be listed. */
const CLIENTS_LEAVE_MS = 1_500;

/** Connects to the server that the lock file names. Returns undefined if it does not answer or serves another cluster. */
export async function connect({ directory }: Cluster): Promise<{ url: string; presence: Presence } | undefined> {
  const data = join(directory, 'data');
  const { port } = await readLockFile(data);
  if (!port) return undefined;
  const url = `postgres://daybook:${await readFile(join(directory, 'password'), 'utf8')}@127.0.0.1:${port}/postgres`;
  const presence = new Client({ ...CLIENT, connectionString: url, application_name: 'presence' }) as Presence;
  // An error is followed by `end`, which the owner of the connection observes.
  presence.on('error', () => undefined);
  try {
    await presence.connect();
    const { rows } = await presence.query<{ data_directory: string }>('SHOW data_directory');
    if ((await realpath(rows[0]!.data_directory)) !== (await realpath(data))) throw new Error('Another cluster');
    presence.unref(); // The connection must not keep this process alive.
    return { url, presence };
  } catch {
    await presence.end().catch(() => undefined);
    return undefined;
  }
}

/**
 * Starts the server of a cluster; it outlives this process.
 * @param fixedPort The only port it may use. By default it uses that of `settings` or of the last start, or else a free one.
 * @returns why the start failed; empty when the server is ready.
 */
export async function startServer(
  cluster: Cluster,
  settings: Record<string, string>,
  fixedPort?: number,
): Promise<string> {
  const data = join(cluster.directory, 'data');
  const logFile = join(cluster.directory, 'log');
  await removeStaleLock(data);
  const logSize = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );
  if (logSize > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.old`);
  const port = fixedPort ?? (await choosePort(data, settings.port));
  const options = Object.entries({ ...settings, port: String(port) }).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ]);
  const failure = await spawnServer(cluster, ['-D', data, ...options], logFile);
  return failure && ((await tail(logFile, logSize)) || failure);
}

/**
 * Runs `postgres` itself: `pg_ctl start` would hand its options to a shell, in which a data folder's name could contain
 * commands. Resolves when the server is ready or has exited.
 */
async function spawnServer(
  { binaries, account, directory }: Cluster,
  args: string[],
  logFile: string,
): Promise<string> {
  const log = await open(logFile, 'a', 0o600);
  try {
    // The log of an earlier version, or of a wide umask.
    await log.chmod(0o600);
    if (account.uid !== undefined) await log.chown(account.uid, account.gid!);
    const options = { ...account, cwd: '/', env: foreignEnvironment(), detached: true };
    const server = spawn(join(binaries, 'postgres'), args, { ...options, stdio: ['ignore', log.fd, log.fd] });
    let failure = '';
    server.on('error', (error) => (failure = oneLine(error)));
    server.on('exit', (code, signal) => (failure = `postgres exited with ${signal ?? code}`));
    server.unref();
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!failure) {
      const { pid, status } = await readLockFile(join(directory, 'data'));
      if (pid === String(server.pid) && status === 'ready') return '';
      if (Date.now() > deadline) return `not ready after ${START_TIMEOUT_MS / 1_000} s`;
      await sleep(READY_CHECK_MS);
    }
    return failure;
  } finally {
    await log.close();
  }
}

/** The port of the settings or of the last start, if it is free, so that clients find the server again; else a free one. */
async function choosePort(data: string, wanted: string | undefined): Promise<number> {
  const lastStart = await readFile(join(data, 'postmaster.opts'), 'utf8').catch(() => '');
  return freePort(Number(wanted ?? /port=(\d+)/.exec(lastStart)?.[1] ?? 0));
}

async function freePort(preferred: number): Promise<number> {
  const server = createServer().listen(preferred, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return freePort(0);
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Closes this process's presence and stops the server, unless other clients are connected. */
export async function stopServer(
  cluster: Cluster,
  url: string,
  presence: Presence,
  log: (line: string) => void,
): Promise<void> {
  presence.ref(); // Otherwise this process could exit before the connection is closed.
  await presence.end().catch(() => undefined);
  if (await hasClients(url)) return log('The embedded Postgres keeps running, because others are connected to it');
  const args = ['stop', '-m', 'fast', '-w', '-D', join(cluster.directory, 'data')];
  await run(join(cluster.binaries, 'pg_ctl'), args, cluster.account).catch((error: unknown) => {
    // Another process has stopped it or is about to.
    if (!/PID file|No such process/.test(oneLine(error))) throw new EmbeddedPostgresError(oneLine(error));
  });
}

/** Whether clients other than processes that are about to stop the server are connected to it. */
async function hasClients(url: string): Promise<boolean> {
  const client = new Client({ ...CLIENT, connectionString: url, application_name: 'stopping' });
  client.on('error', () => undefined);
  const others = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name IS DISTINCT FROM 'stopping'`;
  const deadline = Date.now() + CLIENTS_LEAVE_MS;
  try {
    await client.connect();
    for (;;) {
      const { rows } = await client.query<{ n: number }>(others);
      if (rows[0]!.n === 0 || Date.now() > deadline) return rows[0]!.n > 0;
      await sleep(50);
    }
  } catch {
    return false; // The server is down.
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Returns the end of a file, as one line, without its first `offset` bytes. */
async function tail(path: string, offset: number): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (!file) return '';
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2_000), 0, 2_000, Math.max(offset, size - 2_000));
  await file.close();
  return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-6).join(' | ');
}

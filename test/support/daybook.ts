import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DATABASE_ENVIRONMENT, createDatabase } from './database.js';
import { temporaryFolder } from './folder.js';
import { freePort } from './free-port.js';

/** One running process of the built service. */
export interface Daybook {
  /** Its URL, without a trailing slash. */
  readonly url: string;
  readonly pid: number;
  /** Its own database, or the one in `env`; undefined for an embedded one. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  /** Returns all output to stdout and stderr. */
  output(): string;
  kill(signal?: NodeJS.Signals): void;
  /** Resolves with the exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Sends SIGTERM and waits for the exit. Sends SIGKILL if the process does not exit. */
  stop(): Promise<void>;
}

export interface DaybookOptions {
  role?: 'all' | 'api' | 'worker';
  /** Settings besides the defaults of tests. `DATABASE_URL: undefined` starts an embedded Postgres. */
  env?: Record<string, string | undefined>;
}

const START_TIMEOUT_MS = 45_000;
const STOP_TIMEOUT_MS = 35_000;
const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const LEASH = new URL('./leash.js', import.meta.url).href;
const stops: (() => Promise<unknown>)[] = [];
const cleanups: (() => Promise<unknown>)[] = [];

/** Starts the built service in a temporary folder, by default with its own database. It ends after the test file. */
export async function startDaybook(options: DaybookOptions = {}): Promise<Daybook> {
  const home = await temporaryFolder();
  cleanups.push(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const settings = await environment(home, options);
  const child = spawn(process.execPath, ['--import', LEASH, MAIN], {
    cwd: home,
    env: settings,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  stops.push(async () => {
    await stop(child, exited);
    await endPostgres(settings.DATA_DIR!);
  });
  const daybook: Daybook = {
    url: `http://127.0.0.1:${settings.PORT}`,
    pid: child.pid!,
    databaseUrl: settings.DATABASE_URL,
    dataDir: settings.DATA_DIR!,
    output: () => output,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    exited,
    stop: () => stop(child, exited),
  };
  await untilHealthy(daybook);
  return daybook;
}

afterAll(async () => {
  await Promise.all(stops.map((end) => end()));
  for (const cleanUp of cleanups) await cleanUp();
});

/** The whole environment of the service, so that variables of the developer's shell do not affect tests. */
async function environment(home: string, { env, role = 'all' }: DaybookOptions) {
  const settings: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    NODE_ENV: 'test',
    ROLE: role,
    PORT: String(await freePort()),
    DATA_DIR: join(home, 'data'),
    LOG_LEVEL: 'warn',
    // A busy test machine must not trigger overload protection.
    MAX_EVENT_LOOP_LAG: '1m',
    MAX_DATABASE_WAIT: '1m',
    ...DATABASE_ENVIRONMENT,
    ...env,
  };
  if ('DATABASE_URL' in settings) return settings;
  const database = await createDatabase();
  cleanups.push(() => database.drop());
  return { ...settings, DATABASE_URL: database.url };
}

async function untilHealthy(daybook: Daybook): Promise<void> {
  let hasExited = false;
  void daybook.exited.then(() => (hasExited = true));
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(`${daybook.url}/healthz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (hasExited)
      throw new Error(`Daybook ended while starting, exit code ${await daybook.exited}\n${daybook.output()}`);
    if (answer?.ok) return;
    if (Date.now() > deadline)
      throw new Error(`Daybook did not become healthy before the timeout\n${daybook.output()}`);
    await sleep(50);
  }
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(impatience);
}

/** Ends the embedded Postgres of a process that was killed. */
async function endPostgres(dataDir: string): Promise<void> {
  const lock = await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '');
  try {
    if (lock) process.kill(parseInt(lock, 10), 'SIGQUIT');
  } catch {
    // Postgres was killed too.
  }
}

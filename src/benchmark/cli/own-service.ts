import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '../../platform/config/config.js';
import { BenchError } from './cli-error.js';

/** A service that is there for one run. */
export interface OwnService {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 10;

/** Without limits, since those are not what is measured, and with a receiver on this machine allowed. */
const LIFTED = {
  RATE_LIMIT_SYNC: 'off',
  RATE_LIMIT_ASYNC: 'off',
  RATE_LIMIT_DEFAULT: 'off',
  MAX_PENDING: '1000000',
  MAX_PENDING_TOTAL: '1000000',
  CALLBACK_ALLOW: '127.0.0.1/32',
};

/** On a port that nobody can have taken meanwhile, which its first lines tell. */
const ANNOUNCED = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'log' };
const ADDRESS = /\bAPI +(http:[^\s"]+)\/api\b/;

/**
 * Starts the built service with a folder, a database and a port of its own; what the surroundings say of Daybook does
 * not count.
 * @throws BenchError when it does not start.
 */
export async function startOwnService(settings: Record<string, string>): Promise<OwnService> {
  const home = await mkdtemp(join(tmpdir(), 'daybook-bench-'));
  // As root an embedded Postgres runs under another user, which has to enter.
  await chmod(home, 0o755);
  const own = { ...LIFTED, DATA_DIR: join(home, 'data'), ...settings, ...ANNOUNCED };
  const child = spawn(process.execPath, [MAIN], {
    cwd: home,
    env: environmentWith(own),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is meant for the run, which then stops the service.
    detached: true,
  });
  let output = '';
  const keep = (text: string): unknown => (output = (output + text).slice(-4_000));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    await end(child, exited);
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  const url = await whenReady(() => ADDRESS.exec(output)?.[1], exited);
  if (url) return { url, pid: child.pid!, stop };
  await stop();
  throw new BenchError(`The service does not start: ${output.trim().split('\n').at(-1)}`);
}

/** Where it is ready, or null when it ends before, or takes too long. */
async function whenReady(findUrl: () => string | undefined, exited: Promise<unknown>): Promise<string | null> {
  let hasExited = false;
  void exited.then(() => (hasExited = true));
  const giveUpAtMs = performance.now() + START_TIMEOUT_MS;
  while (!hasExited && performance.now() < giveUpAtMs) {
    const url = findUrl();
    const options = { signal: AbortSignal.timeout(2_000) };
    if (url && (await fetch(`${url}/readyz`, options).catch(() => null))?.ok) return url;
    await sleep(LOOK_EVERY_MS);
  }
  return null;
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(impatience);
}

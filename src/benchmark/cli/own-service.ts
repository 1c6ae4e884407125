import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '../../platform/config/config.js';
import { BenchError } from './cli-error.js';
import { temporaryFolder } from './temporary-folder.js';

/** A service started for one run. */
export interface OwnService {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_EVERY_MS = 10;

/** Lifts the limits, which are not measured, and allows callbacks to this machine. */
const LIFTED = {
  RATE_LIMIT_SYNC: 'off',
  RATE_LIMIT_ASYNC: 'off',
  RATE_LIMIT_BATCH: 'off',
  RATE_LIMIT_LOGIN: 'off',
  RATE_LIMIT_DEFAULT: 'off',
  MAX_PENDING: '1000000',
  MAX_PENDING_ACCOUNT: '1000000',
  CALLBACK_ALLOW: '127.0.0.1/32',
};

/** Port 0 cannot collide with another process; the log names the port that was assigned. */
const ANNOUNCED = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'log' };
const ADDRESS = /\bAPI +(http:[^\s"]+)\/api\b/;

/**
 * Starts the built service with its own folder, database and port. Daybook's settings in the environment of this process
 * are not passed on.
 * @param settings Settings of the service, by variable name.
 * @throws BenchError when it does not become ready within a minute.
 */
export async function startOwnService(settings: Record<string, string>): Promise<OwnService> {
  const home = await temporaryFolder();
  const own = { ...LIFTED, DATA_DIR: join(home.path, 'data'), ...settings, ...ANNOUNCED };
  const child = spawn(process.execPath, [MAIN], {
    cwd: home.path,
    env: environmentWith(own),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Keeps Ctrl-C from reaching the service; the run stops it.
    detached: true,
  });
  let output = '';
  const keep = (text: string): unknown => (output = (output + text).slice(-4_000));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    await end(child, exited);
    await home.remove();
  };
  const url = await whenReady(() => ADDRESS.exec(output)?.[1], exited);
  if (url) return { url, pid: child.pid!, stop };
  await stop();
  throw new BenchError(`The service did not start: ${output.trim().split('\n').at(-1)}`);
}

/** @returns The URL once the service is ready, or null when it exits first or exceeds the timeout. */
async function whenReady(findUrl: () => string | undefined, exited: Promise<unknown>): Promise<string | null> {
  let hasExited = false;
  void exited.then(() => (hasExited = true));
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!hasExited && performance.now() < deadlineMs) {
    const url = findUrl();
    const options = { signal: AbortSignal.timeout(2_000) };
    if (url && (await fetch(`${url}/readyz`, options).catch(() => null))?.ok) return url;
    await sleep(POLL_EVERY_MS);
  }
  return null;
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const killTimer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(killTimer);
}

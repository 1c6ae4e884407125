import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '../config.js';
import { BenchError } from './cli-error.js';

/** A service that is there for one run. */
export interface OwnService {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/** Without limits, since those are not what is measured, and with a receiver on this machine allowed. */
const LIFTED = {
  RATE_LIMIT_SYNC: 'off',
  RATE_LIMIT_ASYNC: 'off',
  RATE_LIMIT_DEFAULT: 'off',
  MAX_PENDING: '1000000',
  MAX_PENDING_TOTAL: '1000000',
  CALLBACK_ALLOW: '127.0.0.1/32',
  LOG_LEVEL: 'warn',
};

/**
 * Starts the built service with a folder, a database and a port of its own; what the surroundings say of Daybook does
 * not count.
 * @throws BenchError when it does not start.
 */
export async function startOwnService(settings: Record<string, string>): Promise<OwnService> {
  const home = await mkdtemp(join(tmpdir(), 'daybook-bench-'));
  // As root an embedded Postgres runs under another user, which has to enter.
  await chmod(home, 0o755);
  const port = await freePort();
  const own = { ...LIFTED, HOST: '127.0.0.1', PORT: String(port), DATA_DIR: join(home, 'data'), ...settings };
  const child = spawn(process.execPath, [MAIN], {
    cwd: home,
    env: environmentWith(own),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is meant for the run, which then stops the service.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)));
  }
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    await end(child, exited);
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  const url = `http://127.0.0.1:${port}`;
  if (await isUp(url, exited)) return { url, pid: child.pid!, stop };
  await stop();
  throw new BenchError(`The service does not start: ${output.trim().split('\n').at(-1)}`);
}

async function isUp(url: string, exited: Promise<unknown>): Promise<boolean> {
  let hasEnded = false;
  void exited.then(() => (hasEnded = true));
  const giveUpAtMs = performance.now() + START_TIMEOUT_MS;
  while (!hasEnded && performance.now() < giveUpAtMs) {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.ok) return true;
    await sleep(50);
  }
  return false;
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(impatience);
}

/** A port of loopback that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await once(server.close(), 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

const START_TIMEOUT_MS = 10_000;

/** Installs redis-server. Only as root on Debian and its derivatives. */
function install() {
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  try {
    if (process.getuid?.() !== 0) throw new Error('Not root');
    execFileSync('apt-get', ['update', '-qq'], options);
    execFileSync('apt-get', ['install', '-qq', '-y', '--no-install-recommends', 'redis-server'], options);
  } catch {
    const how = 'apt-get install redis-server, or brew install redis';
    throw new Error(`redis-server is missing. Install it (${how}), or set REDIS_URL`);
  }
}

/** Spawns the server. Returns undefined if the program is missing. */
async function spawnServer(port, password = '') {
  const folder = process.env.TEST_FOLDER;
  const place = ['--dir', folder, '--pidfile', join(folder, `redis-${port}.pid`)];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...place];
  if (password) args.push('--requirepass', password);
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return once(child, 'spawn').then(
    () => child,
    () => undefined,
  );
}

/** Starts a Redis that stores nothing on disk. */
export async function startRedisServer({ port: wanted, password } = {}) {
  const port = wanted ?? (await freePort());
  let child = await spawnServer(port, password);
  if (!child) {
    install();
    child = await spawnServer(port, password);
  }
  const exited = once(child, 'exit');

  let output = '';
  const isReady = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output = (output + chunk).slice(-4_000);
        if (output.includes('Ready to accept connections')) resolve(true);
      });
    }
  });
  const failed = Promise.race([exited, sleep(START_TIMEOUT_MS, undefined, { ref: false })]).then(() => false);
  const kill = async (signal = 'SIGKILL') => {
    child.kill(signal);
    await exited;
  };
  if (!(await Promise.race([isReady, failed]))) {
    await kill();
    throw new Error(`redis-server did not start: ${output.trim().split('\n').slice(-3).join(' | ')}`);
  }
  const signal = (name) => child.kill(name);
  return { url: `redis://127.0.0.1:${port}`, port, signal, kill, stop: () => kill('SIGTERM') };
}

/**
 * `npm run dev` and `npm run dev:worker` restart after a change that compiles, and keep running after one that does
 * not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { freePort } from '../support/free-port.js';
import { redisUrl } from '../support/redis.js';
import { submitAsync } from '../support/submit.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['src', 'migrations', 'scripts', 'web', 'dist', 'package.json', 'package-lock.json', 'ormconfig.ts'];
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
/** A compilation takes a minute while other specs have the cores. */
const SLOW = { timeoutMs: 180_000 };
const VIEW = 'src/operations/health.service.ts';

let checkout: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  checkout = await temporaryFolder();
  const copies = [...SOURCES, ...SETTINGS].map((name) =>
    cp(join(ROOT, name), join(checkout, name), { recursive: true, preserveTimestamps: true }),
  );
  await Promise.all([...copies, symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))]);
});

afterEach(async () => {
  const exits = running.splice(0).map(async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  await Promise.all(exits);
});

interface Dev {
  port: number;
  exit: Promise<unknown[]>;
  output: () => string;
  stop: () => void;
}

async function dev(settings: Record<string, string>, ...args: string[]): Promise<Dev> {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    HOME: checkout,
    PORT: String(port),
    DATA_DIR: join(checkout, 'data'),
    ...settings,
  };
  const child = spawn(process.execPath, ['scripts/dev.js', ...args], { cwd: checkout, env });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  return { port, exit: once(child, 'exit'), output: () => output, stop: () => child.kill('SIGTERM') };
}

const health = (port: number): Promise<string> =>
  fetch(`http://127.0.0.1:${port}/healthz`)
    .then((response) => response.text())
    .catch(() => '');

it('npm run dev restarts after changes of the sources', async () => {
  const { url } = await createDatabase();
  const { port, exit, output, stop } = await dev({ DATABASE_URL: url });
  await eventually(async () => (await health(port)).includes('uptime_seconds'), SLOW);

  const file = join(checkout, VIEW);
  const source = await readFile(file, 'utf8');
  await writeFile(file, source.replaceAll('uptime_seconds', 'uptime_changed'));
  await eventually(async () => (await health(port)).includes('uptime_changed'), SLOW);

  await writeFile(file, `${source}export const wrong: number = 'a';\n`);
  await eventually(() => output().includes(`${VIEW}(`) && output().includes('error TS2322'), SLOW);
  expect(await health(port)).toContain('uptime_changed');
  await writeFile(file, source);
  await eventually(async () => (await health(port)).includes('uptime_seconds'), SLOW);

  stop();
  expect(await exit).toEqual([0, null]);
  expect(await health(port)).toBe('');
}, 600_000);

it('with Redis, npm run dev is the API and npm run dev:worker the worker', async () => {
  const [{ url: DATABASE_URL }, REDIS_URL] = await Promise.all([createDatabase(), redisUrl()]);
  const [api, worker] = [await dev({ DATABASE_URL, REDIS_URL }), await dev({ DATABASE_URL, REDIS_URL }, 'worker')];
  await eventually(async () => (await health(worker.port)) !== '' && (await health(api.port)) !== '', SLOW);
  const url = `http://127.0.0.1:${api.port}`;
  const body = () => ({ input_data: 'x', iterations: 1, callback_url: null });
  const [{ request_id } = { request_id: '' }] = await submitAsync(url, 1, body, 1);
  const status = async (): Promise<unknown> => {
    const response = await fetch(`${url}/api/requests/${request_id}`);
    return ((await response.json()) as { status: string }).status;
  };
  await eventually(async () => (await status()) === 'COMPLETED', { timeoutMs: 30_000 });
}, 600_000);

it('a worker without Redis exits with one line', async () => {
  const { exit, output } = await dev({}, 'worker');
  expect(await exit).toEqual([2, null]);
  expect(output()).toBe(
    'daybook: a separate worker needs REDIS_URL; without Redis, npm run dev also generates the reports\n',
  );
});

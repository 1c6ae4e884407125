/**
 * `test-api.sh` exercises the tickets API and ends with the report of the sales. It passes against `npm start`, and against `npm run start:api` with
 * `npm run start:worker` and Redis.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { freePort } from '../support/free-port.js';
import { redisUrl } from '../support/redis.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../../test-api.sh', import.meta.url));
/** The mails, the event in the report of sales, and the end. */
const END =
  /Event changed: Summer concert \(kept\)\nBooking confirmed: Summer concert \(kept\)\n[\s\S]*"event_title": "Summer concert",[\s\S]*"net_cents": 5000\n\}\n\n== Done\n$/;

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function tour(BASE_URL: string): Promise<string> {
  const { stdout } = await promisify(execFile)(SCRIPT, { env: { PATH: process.env.PATH, BASE_URL } });
  return stdout;
}

/** Starts a script of `package.json`. @returns Its address, once it is ready. */
async function npmRun(script: string, home: string, settings: Record<string, string>): Promise<string> {
  const port = await freePort();
  const env = { PATH: process.env.PATH, HOME: home, PORT: String(port), DATA_DIR: home, ...settings };
  const npm = spawn('npm', ['run', script], { cwd: ROOT, env, stdio: 'ignore' });
  stops.push(() => (npm.kill('SIGTERM'), once(npm, 'exit')));
  const url = `http://127.0.0.1:${port}`;
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/readyz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  await eventually(isReady, { timeoutMs: 60_000 });
  return url;
}

it('passes against npm start, and again', async () => {
  const [{ url: DATABASE_URL }, home] = await Promise.all([createDatabase(), temporaryFolder()]);
  const url = await npmRun('start', home, { DATABASE_URL });
  expect(await tour(url)).toMatch(END);
  expect(await tour(url)).toMatch(END);
}, 120_000);

it('passes against an API and a worker on Redis', async () => {
  const [{ url: DATABASE_URL }, REDIS_URL, home] = await Promise.all([createDatabase(), redisUrl(), temporaryFolder()]);
  const env = { DATABASE_URL, REDIS_URL };
  const url = await npmRun('start:api', home, env);
  const worker = await npmRun('start:worker', home, env);
  expect(await tour(url)).toMatch(END);
  // A worker serves health and metrics only.
  expect((await fetch(`${worker}/api/events`)).status).toBe(404);
  await eventually(async () => expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ workers: 1 }));
}, 180_000);

it('fails with a message if no service responds', async () => {
  await expect(tour('http://127.0.0.1:9')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('http://127.0.0.1:9 does not answer: npm start'),
  });
});

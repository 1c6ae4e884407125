/**
 * `test-api.sh` exercises the tickets API. It passes against one process, and against an API process and a worker with
 * Redis.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { startDaybook } from '../support/daybook.js';
import { redisUrl } from '../support/redis.js';

const SCRIPT = fileURLToPath(new URL('../../test-api.sh', import.meta.url));

async function tour(BASE_URL: string): Promise<string> {
  const { stdout } = await promisify(execFile)(SCRIPT, { env: { PATH: process.env.PATH, BASE_URL } });
  return stdout;
}

const MAILS = /Event changed: Summer concert \(kept\)\nBooking confirmed: Summer concert \(kept\)\n\n== Done\n$/;

it('passes against one process, and again', async () => {
  const { url } = await startDaybook();
  expect(await tour(url)).toMatch(MAILS);
  expect(await tour(url)).toMatch(MAILS);
});

it('passes against an API and a worker on Redis', async () => {
  const [{ url: DATABASE_URL }, REDIS_URL] = await Promise.all([createDatabase(), redisUrl()]);
  const env = { DATABASE_URL, REDIS_URL };
  const [api] = await Promise.all([startDaybook({ role: 'api', env }), startDaybook({ role: 'worker', env })]);
  expect(await tour(api.url)).toMatch(MAILS);
});

it('fails with a message if no service responds', async () => {
  await expect(tour('http://127.0.0.1:9')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('http://127.0.0.1:9 does not answer: npm start'),
  });
});

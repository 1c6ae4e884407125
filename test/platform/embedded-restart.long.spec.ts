import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

it('restarts its embedded Postgres when that is killed, and completes all accepted requests', async () => {
  const daybook = await startDaybook({ env: { ...UNLIMITED, DATABASE_URL: undefined } });
  const body = (): object => ({
    report: 'digest',
    payload: { input_data: 'x', iterations: 200_000 },
    callback_url: null,
  });
  const accepted = await submitAsync(daybook.url, 20, body);

  const lock = await readFile(join(daybook.dataDir, 'postgres/data/postmaster.pid'), 'utf8');
  const killedAtMs = performance.now();
  process.kill(parseInt(lock, 10), 'SIGKILL');
  const health = async (): Promise<unknown> => (await fetch(`${daybook.url}/healthz`)).json();
  await eventually(async () => expect(await health()).toMatchObject({ status: 'degraded' }));
  await eventually(async () => expect(await health()).toMatchObject({ status: 'ok', db_connected: true }));
  expect(performance.now() - killedAtMs).toBeLessThan(15_000);

  for (const { request_id } of accepted) {
    const request = async (): Promise<unknown> => (await fetch(`${daybook.url}/api/requests/${request_id}`)).json();
    await eventually(async () => expect(await request()).toMatchObject({ status: 'COMPLETED' }));
  }
  await daybook.stop();
  expect(await daybook.exited).toBe(0);
});

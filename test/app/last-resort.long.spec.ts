/** Errors that no other code handles are logged or end the process gracefully, and no output contains a secret. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { freePort } from '../support/free-port.js';
import { UNLIMITED } from '../support/submit.js';

const ROOT = new URL('../../', import.meta.url);
const MAIN = fileURLToPath(new URL('dist/src/main.js', ROOT));

type Output = 'pipe' | number;

/** Starts the service with a module that is loaded first and with its own output. */
async function startWith(settings: Record<string, string>, planted = '', output: Output = 'pipe') {
  const cwd = await temporaryFolder();
  const before = join(cwd, 'before.mjs');
  await writeFile(before, planted);
  const port = String(await freePort());
  const child = spawn(process.execPath, ['--import', pathToFileURL(before).href, MAIN], {
    cwd,
    env: { PATH: process.env.PATH, ...UNLIMITED, PORT: port, DATA_DIR: join(cwd, 'data'), ...settings },
    stdio: ['ignore', output, output],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const url = `http://127.0.0.1:${port}`;
  const service = { url, child, exited, output: () => text, lock: join(cwd, 'data/postgres/data/postmaster.pid') };
  await eventually(async () => (await get(service, '/readyz').catch(() => null))?.status === 200, {
    timeoutMs: 60_000,
  });
  return service;
}

async function expectWorksAndStops(service: Awaited<ReturnType<typeof startWith>>): Promise<void> {
  const { json } = await post(service, '/api/async', { num_transactions: 1, callback_url: null });
  await eventually(async () => (await get(service, `/api/requests/${json.request_id}`)).json.status === 'COMPLETED');
  service.child.kill('SIGTERM');
  expect(await service.exited).toBe(0);
}

/** On SIGUSR2, rejects with an expression that nothing awaits, as a faulty library would. */
const rejecting = (expression: string): string => `
  import { createRequire } from 'node:module';
  const require = createRequire(${JSON.stringify(ROOT.href)});
  process.on('SIGUSR2', () => void (${expression}));`;

describe('an unhandled rejection', () => {
  const survived = {
    'of pg': `new (require('pg').Client)('postgres://u:hunter2@127.0.0.1:1/d').connect()`,
    'of pg, for a read-only server': `Promise.reject(Object.assign(new Error('read-only'), { code: '25006' }))`,
    'of undici': `require('undici').request('http://u:hunter2@127.0.0.1:1/?token=hunter2')`,
  };
  it.each(Object.entries(survived))('%s is logged, and the service keeps running', async (_name, expression) => {
    const { url } = await createDatabase();
    const service = await startWith({ DATABASE_URL: url }, rejecting(expression));
    service.child.kill('SIGUSR2');
    await eventually(() => service.output().includes('A connection failed that nothing waits for'));
    await expectWorksAndStops(service);
    expect(service.output()).not.toContain('hunter2');
  });

  it('of ioredis is logged if Redis is used, and the service keeps running', async () => {
    const { url } = await createDatabase();
    const expression = `new (require('ioredis').Redis)({ port: 1, lazyConnect: true, retryStrategy: null }).connect()`;
    const REDIS_URL = 'redis://:hunter2@127.0.0.1:1';
    const service = await startWith({ DATABASE_URL: url, REDIS_URL, SWEEP_INTERVAL: '200ms' }, rejecting(expression));
    service.child.kill('SIGUSR2');
    await expectWorksAndStops(service);
    expect(service.output()).not.toMatch(/hunter2|Unexpected error/);
  });

  it('of any other kind ends the process gracefully and logs its causes without secrets', async () => {
    const cause = `new AggregateError([new Error('GET https://h/x?token=hunter2 by postgres://u:p/a@hunter2@h/d')], 'both')`;
    const expression = `Promise.reject(Object.assign(new TypeError('failed for redis://:hunter2@h', { cause: ${cause} }), {
      config: { headers: { authorization: 'hunter2' } } }))`;
    const service = await startWith({}, rejecting(expression));
    service.child.kill('SIGUSR2');
    expect(await service.exited).toBe(1);
    expect(service.output()).toMatch(/Unexpected error, stopping: TypeError: failed for redis:\/\/\*\*\*@h/);
    expect(service.output()).toMatch(/Caused by: AggregateError: both/);
    expect(service.output()).toMatch(/Part: Error: GET https:\/\/h\/x\?\*\*\* by postgres:\/\/\*\*\*@h\/d/);
    expect(service.output()).not.toContain('hunter2');
    expect(existsSync(service.lock)).toBe(false);
  });

  it('never logs the password of a setting', async () => {
    const { url } = await createDatabase();
    const REDIS_URL = 'redis://:hunter%402@127.0.0.1:1';
    const planted = rejecting(`Promise.reject(new RangeError('AUTH hunter@2 (hunter%402) was refused'))`);
    const service = await startWith({ DATABASE_URL: url, REDIS_URL, SWEEP_INTERVAL: '200ms' }, planted);
    service.child.kill('SIGUSR2');
    expect(await service.exited).toBe(1);
    expect(service.output()).toContain('RangeError: AUTH *** (***) was refused');
    expect(service.output()).not.toMatch(/hunter/);
  });
});

describe('a log that cannot be written', () => {
  it('because the disk is full: the service works and stops gracefully', async () => {
    const { url } = await createDatabase();
    const full = openSync('/dev/full', 'w');
    await expectWorksAndStops(await startWith({ DATABASE_URL: url, LOG_LEVEL: 'debug' }, '', full));
  });

  it('because the pipe is closed: the service works and stops its Postgres', async () => {
    const service = await startWith({ LOG_LEVEL: 'debug' });
    service.child.stdout!.destroy();
    service.child.stderr!.destroy();
    expect((await get(service, '/api/requests')).status).toBe(200);
    await expectWorksAndStops(service);
    expect(existsSync(service.lock)).toBe(false);
  });
});

it.each(['SIGINT', 'SIGQUIT'] as const)('%s stops the service gracefully', async (signal) => {
  const { url } = await createDatabase();
  const service = await startWith({ DATABASE_URL: url });
  service.child.kill(signal);
  expect(await service.exited).toBe(0);
});

it('SIGUSR1 opens no debugger, and SIGUSR2 does not end the service', async () => {
  const { url } = await createDatabase();
  const service = await startWith({ DATABASE_URL: url });
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    service.child.kill(signal);
    await eventually(() => service.output().includes(`${signal} means nothing here`));
  }
  expect(service.output()).not.toContain('Debugger');
  await expectWorksAndStops(service);
});

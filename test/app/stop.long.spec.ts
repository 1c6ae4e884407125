import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { freePort } from '../support/free-port.js';
import { expectStrictOrder, laneHistory } from '../support/order-check.js';
import { sql, whileNothingFinishes } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const COUNT = 10;
/** Iterations. Short reports are generated together, so none might be left to release. */
const NOT_SHORT = 200_000;

let env: Record<string, string>;
let daybook: Daybook;

beforeEach(async () => {
  const { url } = await createDatabase();
  env = { ...UNLIMITED, DATABASE_URL: url, REPORT_THREADS: '1', LOG_LEVEL: 'log', SWEEP_INTERVAL: '200ms' };
});

/** Runs `work` while the service cannot finish the first of ten requests. */
async function whileBusy(settings: Record<string, string>, work: () => Promise<unknown>): Promise<void> {
  daybook = await startDaybook({ env: { ...env, ...settings } });
  await whileNothingFinishes(daybook, async () => {
    await submitAsync(
      daybook.url,
      COUNT,
      (index) => ({ input_data: `${index}`, iterations: NOT_SHORT, callback_url: null }),
      1,
    );
    await eventually(async () => (await statuses())[0] === 'PROCESSING');
    await work();
  });
}

async function statuses(): Promise<string[]> {
  return (await laneHistory(daybook.databaseUrl!, 'default')).map(({ status }) => status);
}

const terminate = async (): Promise<void> => {
  daybook.kill('SIGTERM');
  await eventually(() => daybook.output().includes('SIGTERM: finishing the work in progress'));
};

/** Expects that the next process generates all remaining reports in order. */
async function expectNothingLost(): Promise<void> {
  await startDaybook({ env });
  await eventually(async () => (await statuses()).every((status) => status === 'COMPLETED'));
  const history = await laneHistory(daybook.databaseUrl!, 'default');
  expect(history).toHaveLength(COUNT);
  expectStrictOrder(history);
}

/** SIGTERM ends a process within its timeout, and no accepted request is lost. */
describe('SIGTERM', () => {
  it('finishes and answers requests in progress, releases the rest, and exits with 0', async () => {
    let waiting: Promise<unknown> = Promise.resolve();
    await whileBusy({}, async () => {
      waiting = post(daybook, '/api/sync', { input_data: 'waits', iterations: 1 });
      await eventually(async () => (await get(daybook, '/api/requests?mode=sync')).json.requests.length === 1);
      await terminate();
      expect((await get(daybook, '/readyz')).status).toBe(503);
      expect((await get(daybook, '/healthz')).status).toBe(200);
    });
    expect(await daybook.exited).toBe(0);
    expect(await waiting).toMatchObject({ status: 200, json: { status: 'completed' } });

    const left = await statuses();
    expect(left[0]).toBe('COMPLETED');
    expect(left.filter((status) => status === 'PENDING').length).toBeGreaterThan(0);
    expect(left).not.toContain('PROCESSING');
    const [lane] = await sql(daybook, `SELECT leased_by, lease_until FROM lanes WHERE name = 'default'`);
    expect(lane).toEqual({ leased_by: null, lease_until: null });
    await expectNothingLost();
  });

  it('exits with 0 after SHUTDOWN_TIMEOUT even if work is unfinished', async () => {
    await whileBusy({ SHUTDOWN_TIMEOUT: '300ms' }, async () => {
      await terminate();
      expect(await daybook.exited).toBe(0);
    });
    expect(daybook.output()).toContain('SHUTDOWN_TIMEOUT is over');
    expect(await statuses()).not.toContain('COMPLETED');
    await expectNothingLost();
  });

  it('a second time ends the process at once, but not within a second, because Ctrl-C may arrive twice', async () => {
    await whileBusy({}, async () => {
      await terminate();
      daybook.kill('SIGINT');
      await sleep(300);
      expect((await get(daybook, '/healthz')).status).toBe(200);
      await sleep(1_000);
      daybook.kill('SIGTERM');
      expect(await daybook.exited).toBe(130);
    });
    expect(daybook.output()).not.toContain('SHUTDOWN_TIMEOUT is over');
    expect(await statuses()).not.toContain('COMPLETED');
    await expectNothingLost();
  });
});

/** The process always ends, and an embedded Postgres that it started ends with it. */
describe('with an embedded Postgres, the service stops it', () => {
  const lockOf = ({ dataDir }: Daybook): string => join(dataDir, 'postgres/data/postmaster.pid');

  it('even if an incomplete request outlasts SHUTDOWN_TIMEOUT', async () => {
    const { url, ...stopped } = await startDaybook({ env: { DATABASE_URL: undefined, SHUTDOWN_TIMEOUT: '300ms' } });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    socket.write(
      'POST /api/async HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    await sleep(300);
    stopped.kill('SIGTERM');
    expect(await stopped.exited).toBe(0);
    expect(existsSync(lockOf({ url, ...stopped }))).toBe(false);
    socket.destroy();
  });

  it('when the terminal is closed', async () => {
    const stopped = await startDaybook({ env: { DATABASE_URL: undefined } });
    stopped.kill('SIGHUP');
    expect(await stopped.exited).toBe(0);
    expect(existsSync(lockOf(stopped))).toBe(false);
  });
});

describe('a signal during startup', () => {
  it('ends a process that waits for its database with exit code 0', async () => {
    const { code, output } = await signalled(
      'SIGINT',
      { DATABASE_URL: 'postgres://localhost:1/none' },
      'Waiting for Postgres',
    );
    expect(code).toBe(0);
    expect(output).not.toContain('    at ');
  });

  it('leaves no embedded Postgres behind', async () => {
    const dataDir = await temporaryFolder();
    const { code } = await signalled('SIGINT', { DATA_DIR: dataDir }, '');
    expect(code).toBe(0);
    expect(existsSync(join(dataDir, 'postgres/data/postmaster.pid'))).toBe(false);
  });
});

/** Starts the service, and sends it a signal when its output contains a text. */
async function signalled(signal: NodeJS.Signals, settings: Record<string, string>, text: string) {
  const cwd = await temporaryFolder();
  const child = spawn(process.execPath, [MAIN], {
    cwd,
    env: { PATH: process.env.PATH, PORT: String(await freePort()), DATA_DIR: cwd, ...settings },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // An empty text: wait until the start has created its data folder.
  await eventually(() => (text === '' ? readdirSync(settings.DATA_DIR!).length > 0 : output.includes(text)));
  child.kill(signal);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

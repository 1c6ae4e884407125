import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/platform/database/embedded/embedded-postgres.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { freePort } from '../support/free-port.js';
import { getJson } from '../support/json.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** Runs the service until it exits. */
async function runToEnd(
  env: Record<string, string>,
  dotenv?: string | Buffer,
): Promise<{ code: number; lines: string[] }> {
  const cwd = await temporaryFolder();
  if (dotenv !== undefined) writeFileSync(join(cwd, '.env'), dotenv);
  const child = spawn(process.execPath, [MAIN], { cwd, env: { PATH: process.env.PATH, DATA_DIR: cwd, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, lines: output.trim().split('\n') };
}

/** A permanent error at startup is reported in one line. The service waits for a temporary one to pass. */
describe('startup', () => {
  const wrong: [string, string, string][] = [
    ['PORT', 'eighty', 'PORT="eighty" is not valid: it must be a whole number from 0 to 65535'],
    ['ROLE', 'boss', 'ROLE="boss" is not valid: it must be one of all, api, worker'],
    ['RATE_LIMIT_SYNC', '30', 'RATE_LIMIT_SYNC="30" is not valid: it must be a limit such as 30/60s'],
    ['CALLBACK_ALLOW', 'http://x', 'CALLBACK_ALLOW entry "http://x" is not valid'],
    [
      'DATABASE_URL',
      'mysql://u:secret@h/d',
      'DATABASE_URL=(not shown) is not valid: it must be a URL that begins with',
    ],
  ];
  it.each(wrong)('exits with one line that names the invalid %s', async (name, value, message) => {
    const database = await createDatabase();
    const { code, lines } = await runToEnd({ DATABASE_URL: database.url, [name]: value });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining(message)]);
    expect(lines.join()).not.toContain('secret');
  });

  it.each<[string, string | Buffer, string]>([
    ['a line that sets nothing', 'AUTH=required\nPORT: 1\n', '.env line 2 sets nothing'],
    ['a misspelled name', 'PROT=3000', '.env line 1: PROT is not a setting. Did you mean PORT?'],
    ['UTF-16', Buffer.from('\ufeffAUTH=required', 'utf16le'), '.env is not UTF-8'],
    ['a byte order mark before a setting', '\ufeffAUTH=yes', 'AUTH="yes" is not valid'],
    ['a setting that the environment leaves empty', 'PORT=eighty', 'PORT="eighty" is not valid'],
  ])('exits with one line if .env has %s', async (_name, content, message) => {
    const { code, lines } = await runToEnd({ PORT: '' }, content);
    expect([code, lines]).toEqual([1, [expect.stringContaining(message)]]);
  });

  it('exits with one line if the port is in use', async () => {
    const database = await createDatabase();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const PORT = String((server.address() as AddressInfo).port);
    const { code, lines } = await runToEnd({ DATABASE_URL: database.url, PORT });
    server.close();
    expect(code).toBe(1);
    expect(lines.at(-1)).toMatch(new RegExp(`PORT=${PORT} is in use by another program; set PORT to a free one`));
    expect(lines.join('\n')).not.toMatch(/^\s+at /m);
  });

  it('leaves no embedded Postgres running when it fails', async () => {
    const DATA_DIR = await temporaryFolder();
    const lock = join(DATA_DIR, 'postgres/data/postmaster.pid');
    const failWith = async (env: Record<string, string>, message: string): Promise<void> => {
      const { code, lines } = await runToEnd({ DATA_DIR, ...env });
      expect([code, lines.at(-1)]).toEqual([1, expect.stringContaining(message)]);
      expect(existsSync(lock)).toBe(false);
    };
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    await failWith({ PORT: String((server.address() as AddressInfo).port) }, 'is in use');
    server.close();
    await failWith({ CALLBACK_ALLOW: 'http://x' }, 'CALLBACK_ALLOW entry');

    const postgres = await startEmbeddedPostgres({ dataDir: DATA_DIR, log: () => undefined });
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    await client.query('DROP TABLE migrations');
    await client.end();
    await postgres.stop();
    await failWith({}, 'already exists');
  }, 60_000);

  it('exits with one line if the database refuses the login', async () => {
    // Not through PgBouncer, which returns the same code for a stopped Postgres and for a refused login.
    const url = new URL(process.env.TEST_DATABASE_URL!);
    url.pathname = 'no_such_database';
    const { code, lines } = await runToEnd({ DATABASE_URL: url.href });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('database "no_such_database" does not exist')]);
  });
});

/**
 * A TCP proxy to the database that the test can close and open. To the service, this looks like a restart of Postgres.
 */
class Door {
  private server = createTcpServer();
  private readonly sockets = new Set<{ destroy(): void }>();
  constructor(
    private readonly target: { host: string; port: number },
    readonly port: number,
  ) {}

  async open(): Promise<void> {
    this.server = createTcpServer((socket) => {
      const upstream = connect(this.target.port, this.target.host);
      for (const side of [socket, upstream]) {
        this.sockets.add(side);
        side.on('error', () => undefined).on('close', () => this.sockets.delete(side));
      }
      socket.pipe(upstream).pipe(socket);
      socket.on('close', () => upstream.destroy());
      upstream.on('close', () => socket.destroy());
    });
    await once(this.server.listen(this.port, '127.0.0.1'), 'listening');
  }

  async shut(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }
}

describe('an unavailable database', () => {
  it('is awaited at startup; later, the service reports the outage and recovers without a restart', async () => {
    const database = await createDatabase();
    const url = new URL(database.url);
    const door = new Door({ host: url.hostname, port: Number(url.port) }, await freePort());
    url.host = `127.0.0.1:${door.port}`;
    const starting = startDaybook({ env: { ...UNLIMITED, DATABASE_URL: url.href, SWEEP_INTERVAL: '300ms' } });
    await door.open();
    const daybook = await starting;
    await expectWorks(daybook, 1);

    await door.shut();
    const refused = await submitAsync(daybook.url, 1, () => ({ num_transactions: 1, callback_url: null })).catch(
      String,
    );
    expect(refused).toMatch(/503.*"type":"urn:daybook:problem:database-unavailable"/);
    const list = await fetch(`${daybook.url}/api/requests`);
    expect([list.status, list.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await list.json()).toMatchObject({ type: 'urn:daybook:problem:database-unavailable' });
    await eventually(async () => (await fetch(`${daybook.url}/readyz`)).status === 503);
    expect(await getJson(`${daybook.url}/healthz`)).toMatchObject({ status: 'degraded', db_connected: false });

    await door.open();
    await eventually(async () => (await fetch(`${daybook.url}/readyz`)).status === 200);
    await expectWorks(daybook, 2);
    await daybook.stop();
    await door.shut();
  });
});

async function expectWorks(daybook: Daybook, position: number): Promise<void> {
  const [ack] = await submitAsync(daybook.url, 1, () => ({ num_transactions: 1, callback_url: null }));
  expect(ack!.queue_position).toBe(position);
  await eventually(async () => {
    const { status } = await getJson(`${daybook.url}/api/requests/${ack!.request_id}`);
    return status === 'COMPLETED';
  });
}

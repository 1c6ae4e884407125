import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';

const isRoot = process.getuid?.() === 0;
const cleanups: (() => Promise<unknown>)[] = [];

/** A data folder, which the user that runs Postgres can reach when the tests run as root. */
async function dataFolder(mode = 0o755): Promise<string> {
  const parent = await temporaryFolder(mode);
  cleanups.push(() => rm(parent, { recursive: true, force: true }));
  return join(parent, 'my data');
}

async function start(dataDir: string, log: string[] = []): Promise<EmbeddedPostgres> {
  const settings = { fsync: 'off', shared_buffers: '16MB' };
  const postgres = await startEmbeddedPostgres({ dataDir, log: (line) => log.push(line), settings });
  cleanups.unshift(() => postgres.stop());
  return postgres;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function postmaster({ directory }: EmbeddedPostgres): Promise<number> {
  return parseInt(await readFile(join(directory, 'data/postmaster.pid'), 'utf8'), 10);
}

const refusal = /ECONNREFUSED/;

describe('startEmbeddedPostgres', () => {
  afterEach(async () => {
    for (const cleanUp of cleanups.splice(0)) await cleanUp();
  });

  it('makes a UTF-8 cluster with a password, on loopback only', async () => {
    const postgres = await start(await dataFolder());
    const settings = `SELECT current_setting('server_encoding') AS encoding, current_setting('listen_addresses') AS at`;
    expect(await query(postgres.url, settings)).toEqual([{ encoding: 'UTF8', at: '127.0.0.1' }]);
    const guess = new URL(postgres.url);
    guess.password = 'guess';
    await expect(query(guess.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('uses the server that already runs', async () => {
    const folder = await dataFolder();
    const first = await start(folder);
    const pid = await postmaster(first);
    const second = await start(folder);
    expect(second.url).toBe(first.url);
    expect(await postmaster(second)).toBe(pid);
  });

  it('keeps the data over a stop and a start, and the port if it is free', async () => {
    const folder = await dataFolder();
    const first = await start(folder);
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS answer');
    await first.stop();
    await first.stop();
    await expect(query(first.url, 'SELECT 1')).rejects.toThrow(refusal);
    const second = await start(folder);
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'TABLE t')).toEqual([{ answer: 42 }]);
  });

  it('starts again after its server was killed', async () => {
    const folder = await dataFolder();
    const first = await start(folder);
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS answer');
    process.kill(await postmaster(first), 'SIGKILL');
    const second = await start(folder);
    expect(await query(second.url, 'TABLE t')).toEqual([{ answer: 42 }]);
  });

  it('is one server for processes that start at once', async () => {
    const folder = await dataFolder();
    const [one, other] = await Promise.all([start(folder), start(folder)]);
    expect(one.url).toBe(other.url);
  });

  it('leaves the server running for another client, and stops it for none', async () => {
    const folder = await dataFolder();
    const log: string[] = [];
    const [first, second] = [await start(folder, log), await start(folder)];
    await first.stop();
    expect(log).toEqual([expect.stringContaining('others are connected')]);
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.stop();
    await eventually(() => expect(query(second.url, 'SELECT 1')).rejects.toThrow(refusal));
  });

  it('says in one line why it cannot be', async () => {
    const folder = await dataFolder();
    await writeFile(folder, 'a file in the place of the folder');
    await expect(start(folder)).rejects.toThrow(/^No embedded Postgres in [^\n]+EEXIST[^\n]+$/);
  });

  it('gives up at once, quoting Postgres, when trying again would not help', async () => {
    const settings = { max_connections: 'plenty' };
    const starting = startEmbeddedPostgres({ dataDir: await dataFolder(), log: () => undefined, settings });
    await expect(starting).rejects.toThrow(/does not start: .*invalid value for parameter "max_connections": "plenty"/);
  });

  if (process.platform === 'linux') {
    it('starts although the lock of a dead server names a living process', async () => {
      const folder = await dataFolder();
      const first = await start(folder);
      await first.stop();
      // As in a container that was killed and started again: there, numbers of processes come round at once.
      await writeFile(join(first.directory, 'data/postmaster.pid'), `${process.pid}\n`);
      const second = await start(folder);
      expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  }

  if (isRoot) {
    it('keeps the data elsewhere when the user that runs Postgres cannot reach the folder', async () => {
      const folder = await dataFolder(0o700);
      const log: string[] = [];
      const first = await start(folder, log);
      cleanups.push(() => rm(dirname(first.directory), { recursive: true }));
      expect(log).toEqual([expect.stringContaining(`keeps its data in ${first.directory}`)]);
      expect(await realpath(join(folder, 'postgres'))).toBe(first.directory);
      await query(first.url, 'CREATE TABLE t AS SELECT 42 AS answer');
      await first.stop();
      const second = await start(folder);
      expect(await query(second.url, 'TABLE t')).toEqual([{ answer: 42 }]);
    });
  }
});

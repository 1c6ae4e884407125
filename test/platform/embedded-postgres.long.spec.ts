import { copyFile, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Client } from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';

const isRoot = process.getuid?.() === 0;
const cleanups: (() => Promise<unknown>)[] = [];

/** Returns a data folder that, by default, the user postgres can reach when the tests run as root. */
async function dataFolder(mode = 0o755, name = 'my data'): Promise<string> {
  const parent = await temporaryFolder(mode);
  cleanups.push(() => rm(parent, { recursive: true, force: true }));
  return join(parent, name);
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

  it('creates a UTF-8 cluster with a password, on loopback only', async () => {
    const postgres = await start(await dataFolder());
    const settings = `SELECT current_setting('server_encoding') AS encoding, current_setting('listen_addresses') AS at`;
    expect(await query(postgres.url, settings)).toEqual([{ encoding: 'UTF8', at: '127.0.0.1' }]);
    const guess = new URL(postgres.url);
    guess.password = 'guess';
    await expect(query(guess.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('uses a server that runs already', async () => {
    const folder = await dataFolder();
    const first = await start(folder);
    const pid = await postmaster(first);
    const second = await start(folder);
    expect(second.url).toBe(first.url);
    expect(await postmaster(second)).toBe(pid);
  });

  it('keeps the data over a restart, and the port if it is free', async () => {
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

  it('starts the server again at the next start after it was killed', async () => {
    const folder = await dataFolder();
    const first = await start(folder);
    await query(first.url, 'CREATE TABLE t AS SELECT 42 AS answer');
    process.kill(await postmaster(first), 'SIGKILL');
    const second = await start(folder);
    expect(await query(second.url, 'TABLE t')).toEqual([{ answer: 42 }]);
  });

  it('runs one server for processes that start at the same time', async () => {
    const folder = await dataFolder();
    const [one, other] = await Promise.all([start(folder), start(folder)]);
    expect(one.url).toBe(other.url);
  });

  it('stops the server only when no other client is connected', async () => {
    const folder = await dataFolder();
    const log: string[] = [];
    const [first, second] = [await start(folder, log), await start(folder)];
    await first.stop();
    expect(log).toEqual([expect.stringContaining('others are connected')]);
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.stop();
    await eventually(() => expect(query(second.url, 'SELECT 1')).rejects.toThrow(refusal));
  });

  it('reports a failed start in one line', async () => {
    const folder = await dataFolder();
    await writeFile(folder, 'a file in the place of the folder');
    await expect(start(folder)).rejects.toThrow(/^No embedded Postgres in [^\n]+EEXIST[^\n]+$/);
  });

  it('fails at once with the message of Postgres when a retry would not help', async () => {
    const settings = { max_connections: 'plenty' };
    const starting = startEmbeddedPostgres({ dataDir: await dataFolder(), log: () => undefined, settings });
    await expect(starting).rejects.toThrow(/does not start: .*invalid value for parameter "max_connections": "plenty"/);
  });

  it('restarts a server that was killed, on the same port, until it is stopped', async () => {
    const folder = await dataFolder();
    const log: string[] = [];
    const postgres = await start(folder, log);
    await query(postgres.url, 'CREATE TABLE t AS SELECT 42 AS answer');
    for (let times = 0; times < 2; times++) {
      process.kill(await postmaster(postgres), 'SIGKILL');
      await eventually(async () => expect(await query(postgres.url, 'TABLE t')).toEqual([{ answer: 42 }]));
      // Killed again before this, the server would be restarted once for both.
      const restarts = () => log.filter((line) => line.includes('was restarted'));
      await eventually(() => expect(restarts()).toHaveLength(times + 1));
    }
    await postgres.stop();
    await expect(query(postgres.url, 'SELECT 1')).rejects.toThrow(refusal);
  });

  it('starts despite the lock file of a dead server whose pid belongs to the server of another cluster', async () => {
    const other = await start(await dataFolder());
    const folder = await dataFolder();
    const first = await start(folder);
    await first.stop();
    const lock = join(first.directory, 'data/postmaster.pid');
    await copyFile(join(other.directory, 'data/postmaster.pid'), lock);
    const second = await start(folder);
    expect(await postmaster(second)).not.toBe(await postmaster(other));
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await query(other.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('starts despite an empty lock file', async () => {
    const folder = await dataFolder();
    const first = await start(folder);
    await first.stop();
    await writeFile(join(first.directory, 'data/postmaster.pid'), '');
    const second = await start(folder);
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('executes no command in the name of the data folder', async () => {
    const folder = await dataFolder(0o755, 'a `touch b` $(touch c) "d"');
    const postgres = await start(folder);
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await readdir(join(postgres.directory, 'data'))).not.toEqual(expect.arrayContaining(['b', 'c']));
    expect(await readdir(dirname(folder))).toEqual([basename(folder)]);
  });

  if (process.platform === 'linux') {
    it('starts despite the lock file of a dead server whose pid belongs to another program', async () => {
      const folder = await dataFolder();
      const first = await start(folder);
      await first.stop();
      // As in a container that was killed and restarted, where pids are soon reused.
      await writeFile(join(first.directory, 'data/postmaster.pid'), `${process.pid}\n`);
      const second = await start(folder);
      expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  }

  if (isRoot) {
    it('keeps the data elsewhere when the user postgres cannot reach the folder', async () => {
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

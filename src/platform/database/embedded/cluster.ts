import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdtemp, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { privateFolder } from '../../private-folder.js';
import {
  EmbeddedPostgresError,
  SYSTEM_DIR,
  createFolder,
  createSystemDir,
  findBinaries,
  isReachable,
  postgresAccount,
  run,
  type Account,
} from './postgres-binaries.js';

/** A Postgres cluster on disk and the means to run it. */
export interface Cluster {
  /** Contains `data`, `password` and `log`. */
  directory: string;
  /** Folder of initdb, pg_ctl and postgres. */
  binaries: string;
  account: Account;
}

/** Returns the cluster of a data folder, which is created at the first call. */
export async function openCluster(dataDir: string, log: (line: string) => void): Promise<Cluster> {
  const place = await placeCluster(resolve(dataDir), log);
  const cluster = { ...place, binaries: await findBinaries(place.account, resolve(dataDir)) };
  await createCluster(cluster);
  return cluster;
}

/** Decides on the folder of the cluster and the account that runs it: Postgres refuses to run as root. */
async function placeCluster(dataDir: string, log: (line: string) => void): Promise<Omit<Cluster, 'binaries'>> {
  const wanted = join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) {
    privateFolder(dataDir);
    return { directory: wanted, account: {} };
  }
  const existing = await stat(wanted).catch(() => undefined);
  // A cluster that was created without root can be run only by its owner.
  const account = existing?.uid ? { uid: existing.uid, gid: existing.gid } : await postgresAccount();
  privateFolder(dataDir, account.gid);
  const isLink = await readlink(wanted).then(Boolean, () => false);
  if (!isLink && (await isReachable(dataDir, account))) return { directory: wanted, account };
  if (!isLink && existing) throw new EmbeddedPostgresError(`The user postgres cannot reach the cluster in ${wanted}`);
  if (!isLink) await linkElsewhere(wanted);
  const directory = await readlink(wanted);
  log(`The user postgres cannot reach ${dataDir}, so the embedded Postgres keeps its data in ${directory}`);
  return { directory, account };
}

/** Links `wanted` to a folder under {@link SYSTEM_DIR}. Deleting `DATA_DIR` deletes the link, so the next start is empty. */
async function linkElsewhere(wanted: string): Promise<void> {
  await createSystemDir();
  const elsewhere = await mkdtemp(join(SYSTEM_DIR, 'cluster-'));
  await chmod(elsewhere, 0o755);
  await symlink(join(elsewhere, 'postgres'), wanted).catch(async (error: NodeJS.ErrnoException) => {
    await rm(elsewhere, { recursive: true });
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Creates the cluster with a random password, unless it exists. */
async function createCluster({ directory, binaries, account }: Cluster): Promise<void> {
  if (await stat(join(directory, 'data', 'PG_VERSION')).catch(() => undefined)) return;
  await createFolder(directory, async (draft) => {
    const password = join(draft, 'password');
    await writeFile(password, randomBytes(24).toString('hex'), { mode: 0o600 });
    for (const path of [draft, password]) await chown(path, account.uid ?? -1, account.gid ?? -1);
    const how = ['--encoding=UTF8', '--no-locale', '--auth=scram-sha-256', '--username=daybook', '--no-instructions'];
    const where = [`--pwfile=${password}`, `--pgdata=${join(draft, 'data')}`];
    await run(join(binaries, 'initdb'), [...how, ...where], account);
  });
}

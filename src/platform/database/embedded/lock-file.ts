import { readFile, readlink, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './postgres-binaries.js';

/** Postgres creates its lock file empty and fills it at once. An empty one that is older was left by a crash. */
const EMPTY_STALE_MS = 1_000;

/** The fields of `postmaster.pid` (Postgres, `pidfile.h`); all of them are empty while there is no file. */
export interface LockFile {
  pid: string;
  port: string;
  /** `ready` once the server accepts connections. */
  status: string;
}

export async function readLockFile(data: string): Promise<LockFile> {
  const lines = (await readFile(pathOf(data), 'utf8').catch(() => '')).split('\n');
  const field = (index: number): string => lines[index]?.trim() ?? '';
  return { pid: field(0), port: field(3), status: field(7) };
}

/**
 * Deletes a lock file that names no server of this data folder: Postgres refuses to start while a process with its pid
 * exists. The pid may belong to another program or another cluster by now, as happens in a container after a restart, or
 * to a zombie. Processes that still use the data prevent a start without the lock file, too, by their shared memory.
 */
export async function removeStaleLock(data: string): Promise<void> {
  const { pid } = await readLockFile(data);
  const isStale = /^\d+$/.test(pid) ? await isForeign(pid, data) : await isOld(data);
  if (isStale) await rm(pathOf(data), { force: true });
}

async function isOld(data: string): Promise<boolean> {
  const file = await stat(pathOf(data)).catch(() => undefined);
  return file !== undefined && Date.now() - file.mtimeMs > EMPTY_STALE_MS;
}

/** Whether a process exists and is not the server of the data folder. */
async function isForeign(pid: string, data: string): Promise<boolean> {
  const folders = [data, await realpath(data)];
  // A server works in its data folder.
  const workingFolder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  if (workingFolder !== undefined) return !folders.includes(workingFolder);
  // Without /proc, or for a process of another user: its command line names the data folder.
  const command = await run('ps', ['-ww', '-o', 'command=', '-p', pid]).catch(() => '');
  return command !== '' && !folders.some((folder) => command.includes(folder));
}

const pathOf = (data: string): string => join(data, 'postmaster.pid');

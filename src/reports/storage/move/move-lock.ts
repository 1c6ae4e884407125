import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DaybookError } from '../../../platform/errors.js';

/** Another move of the same files runs. */
export class MoveRunning extends DaybookError {
  readonly code = 'move-running';
}

/**
 * Runs work while no other move of the files of a folder runs. Two at once would take each other's removals for those of the
 * service. A lock that a crashed process of this machine left is taken over.
 * @throws MoveRunning
 */
export async function aloneIn<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const lock = join(folder, 'move.lock');
  const own = `${process.pid} on ${hostname()}`;
  if (!(await isCreated(lock, own))) {
    const other = await readFile(lock, 'utf8').catch(() => '');
    if (!isLeft(other))
      throw new MoveRunning(`Process ${other} moves files already. If it does not run, delete ${lock}`);
    await rm(lock, { force: true });
    if (!(await isCreated(lock, own))) throw new MoveRunning('Another process began to move files at the same time');
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function isCreated(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the process of a lock ran on this machine and has ended. */
function isLeft(text: string): boolean {
  const [pid = '', host] = text.split(' on ');
  if (host !== hostname() || !/^\d+$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return Number(pid) === process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

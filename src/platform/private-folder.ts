import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { StartError } from './errors.js';

const OTHERS = 0o077;
const WORLD_WRITABLE = 0o002;
/** In such a folder users can rename and delete only their own files. */
const STICKY = 0o1000;

/**
 * Creates a folder that only its user can read, whatever the umask, and narrows the mode of an existing one. A folder of another
 * user, such as a volume, stays as it is, unless every user could replace the files in it.
 * @param searchableBy A group that must reach folders below: it may pass through, and not list.
 * @throws StartError, and errors of the file system.
 */
export function privateFolder(path: string, searchableBy?: number): void {
  const isNew = mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined;
  const { mode, uid } = statSync(path);
  if (!isNew && (mode & OTHERS) === 0) return;
  if (uid !== process.getuid?.()) {
    if ((mode & WORLD_WRITABLE) === 0 || (mode & STICKY) !== 0 || process.getuid === undefined) return;
    throw new StartError(
      `The folder ${path} belongs to another user, and every user may write to it. Run "chmod o-w" on it, or change its owner.`,
    );
  }
  if (searchableBy === undefined) return chmodSync(path, 0o700);
  chownSync(path, uid, searchableBy);
  chmodSync(path, 0o710);
}

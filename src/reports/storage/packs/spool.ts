import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolder } from '../disk.storage.js';
import { checkedKey } from '../object-storage.js';

/** The local folder where threads write objects before they are stored. */
export class Spool {
  /** @throws StorageUnavailable if the folder cannot be created. */
  constructor(private readonly folder: string) {
    createFolder(folder);
  }

  /** The path of an object that is being written. */
  path(objectKey: string): string {
    return join(this.folder, checkedKey(objectKey));
  }

  /** Deletes a spooled file, and ignores a missing one. */
  async discard(objectKey: string): Promise<void> {
    await rm(this.path(objectKey), { force: true });
  }

  /** Deletes the files that a crash left: those unchanged for this long. Returns their number. */
  async clear(olderThanMs: number): Promise<number> {
    const before = Date.now() - olderThanMs;
    let count = 0;
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      const file = await stat(path).catch(() => null);
      if (!file || file.mtimeMs > before) continue;
      await rm(path, { force: true });
      count++;
    }
    return count;
  }
}

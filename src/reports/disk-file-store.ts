import { createReadStream, mkdirSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type ByteRange, checkedKey, FileStore, StorageUnavailable } from './file-store.js';
import { storageFault } from './storage-fault.js';

/** File operations in the air at once: libuv runs four, and each holds a file descriptor while it waits. */
const CONCURRENT_FILES = 64;

/** Bytes read ahead for a download; a slow client holds no more than this. */
const READ_BUFFER_BYTES = 256 * 1024;

/**
 * Report files on a local disk, below `<data folder>/files`.
 *
 * All results lie in one folder: with half a million of them ext4 commits 64 more as quickly as into 256 subfolders, and
 * one folder takes one fsync where those take up to 64. Spool and results are neighbours, so that a rename never has to
 * cross from one disk to another.
 */
export class DiskFileStore extends FileStore {
  private readonly spool: string;
  private readonly results: string;

  /** @throws StorageUnavailable when the folders cannot be made, so that a wrong DATA_DIR stops the start. */
  constructor(dataFolder: string) {
    super();
    this.spool = join(dataFolder, 'files', 'spool');
    this.results = join(dataFolder, 'files', 'results');
    try {
      for (const folder of [this.spool, this.results]) mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw asStorageError(error);
    }
  }

  override spoolPath(key: string): string {
    return join(this.spool, checkedKey(key));
  }

  override async commit(keys: string[]): Promise<void> {
    if (keys.length === 0) return;
    try {
      // Contents before names: after a power cut a name must not lead to a file that is empty or cut short.
      await forEach(keys, (key) => sync(this.spoolPath(key)));
      await forEach(keys, (key) => rename(this.spoolPath(key), this.resultPath(key)));
      await sync(this.results);
    } catch (error) {
      // A result that no request will ever name would lie here for good.
      await this.remove(keys).catch(() => undefined);
      throw asStorageError(error);
    }
  }

  override async discard(keys: string[]): Promise<void> {
    await forEach(keys, (key) => rm(this.spoolPath(key), { force: true }));
  }

  override open(key: string, range?: ByteRange): Readable {
    return createReadStream(this.resultPath(key), { ...range, highWaterMark: READ_BUFFER_BYTES });
  }

  override async size(key: string): Promise<number | null> {
    try {
      return (await stat(this.resultPath(key))).size;
    } catch (error) {
      if (isMissing(error)) return null;
      throw asStorageError(error);
    }
  }

  override async remove(keys: string[]): Promise<void> {
    try {
      await forEach(keys, (key) => rm(this.resultPath(key), { force: true }));
    } catch (error) {
      throw asStorageError(error);
    }
  }

  override async clearSpool(olderThanMs: number): Promise<number> {
    const before = Date.now() - olderThanMs;
    let count = 0;
    await forEach(await readdir(this.spool), async (name) => {
      const path = join(this.spool, name);
      const file = await stat(path).catch(() => null);
      if (!file || file.mtimeMs > before) return;
      await rm(path, { force: true });
      count++;
    });
    return count;
  }

  private resultPath(key: string): string {
    return join(this.results, checkedKey(key));
  }
}

/** Makes a file's contents, or a folder's names, durable. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Acts on all items, some at a time. */
async function forEach<Item>(items: Item[], act: (item: Item) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += CONCURRENT_FILES) {
    await Promise.all(items.slice(at, at + CONCURRENT_FILES).map(act));
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function asStorageError(error: unknown): unknown {
  const fault = storageFault(error);
  return fault === null ? error : new StorageUnavailable(fault, { cause: error });
}

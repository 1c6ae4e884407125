import { createReadStream, mkdirSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type FilePart, placeOf } from './file-key.js';
import { type ByteRange, FileStore, StorageUnavailable } from './file-store.js';
import { storageFault } from './storage-fault.js';

/** File operations in the air at once: libuv runs four, and each holds a file descriptor while it waits. */
const CONCURRENT_FILES = 64;

/** Read at once to see whether a file is erased. */
const ERASED_BLOCK_BYTES = 64 * 1024;

/** Bytes read ahead for a download; a slow client holds no more than this. */
const READ_BUFFER_BYTES = 256 * 1024;

/**
 * Report files on a local disk, below `<data folder>/files`.
 *
 * All results lie in one folder: with half a million of them ext4 commits 64 more as quickly as into 256 subfolders, and
 * one folder takes one fsync where those take up to 64. Spool and results are neighbours, so that a rename never has to
 * cross from one disk to another.
 *
 * A file may hold the parts of several reports. A part that is removed is overwritten with zeros, with which no report
 * begins, and the file goes with its last part: no index of parts has to be kept in step.
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
    return join(this.spool, placeOf(key).file);
  }

  override async commit(keys: string[]): Promise<void> {
    if (keys.length === 0) return;
    const files = filesOf(keys);
    try {
      // Contents before names: after a power cut a name must not lead to a file that is empty or cut short.
      await forEach(files, (file) => sync(this.spoolPath(file)));
      await forEach(files, (file) => rename(this.spoolPath(file), this.resultPath(file)));
      await sync(this.results);
    } catch (error) {
      // A result that no request will ever name would lie here for good.
      await this.remove(files).catch(() => undefined);
      throw asStorageError(error);
    }
  }

  override async discard(keys: string[]): Promise<void> {
    await forEach(keys, (key) => rm(this.spoolPath(key), { force: true }));
  }

  override open(key: string, range?: ByteRange): Readable {
    const { part } = placeOf(key);
    const { offset, length } = part ?? { offset: 0, length: Infinity };
    const { start, end } = range ?? { start: 0, end: length - 1 };
    const options = { start: offset + start, end: offset + end, highWaterMark: READ_BUFFER_BYTES };
    return createReadStream(this.resultPath(key), options);
  }

  override async size(key: string): Promise<number | null> {
    const { part } = placeOf(key);
    try {
      if (part) return (await this.isWritten(key, part)) ? part.length : null;
      return (await stat(this.resultPath(key))).size;
    } catch (error) {
      if (isMissing(error)) return null;
      throw asStorageError(error);
    }
  }

  override async remove(keys: string[]): Promise<void> {
    const places = keys.map(placeOf);
    try {
      await forEach(filesOf(keys), async (file) => {
        const path = this.resultPath(file);
        const parts = places.flatMap((place) => (place.file === file && place.part) || []);
        if (parts.length === 0 || (await erase(path, parts))) await rm(path, { force: true });
      });
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
    return join(this.results, placeOf(key).file);
  }

  /** Whether all of a part is there, and was not erased. */
  private async isWritten(key: string, { offset, length }: FilePart): Promise<boolean> {
    const handle = await open(this.resultPath(key), 'r');
    try {
      const ends = Buffer.alloc(2);
      await handle.read(ends, 0, 1, offset);
      const { bytesRead } = await handle.read(ends, 1, 1, offset + length - 1);
      return bytesRead === 1 && ends[0] !== 0;
    } finally {
      await handle.close();
    }
  }
}

/** The files that keys name, each once. */
function filesOf(keys: string[]): string[] {
  return [...new Set(keys.map((key) => placeOf(key).file))];
}

/** Overwrites parts of a file with zeros. @returns Whether nothing else is left in it. */
async function erase(path: string, parts: FilePart[]): Promise<boolean> {
  const handle = await open(path, 'r+').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (!handle) return true;
  try {
    for (const { offset, length } of parts) await handle.write(Buffer.alloc(length), 0, length, offset);
    const block = Buffer.alloc(ERASED_BLOCK_BYTES);
    for (let at = 0; ; at += block.length) {
      const { bytesRead } = await handle.read(block, 0, block.length, at);
      if (block.subarray(0, bytesRead).some((byte) => byte !== 0)) return false;
      if (bytesRead < block.length) return true;
    }
  } finally {
    await handle.close();
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

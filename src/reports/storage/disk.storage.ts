import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { privateFolder } from '../../platform/private-folder.js';
import { mapSome } from './map-some.js';
import { type ByteRange, checkedKey, type NewObject, ObjectStorage, StorageUnavailable } from './object-storage.js';
import { storageFault } from './storage-fault.js';

/** Concurrent file operations. Each holds a file descriptor while it waits for one of libuv's four threads. */
const CONCURRENT_FILES = 64;

/** Read-ahead of a download, and so the memory that a slow client holds. */
const READ_BUFFER_BYTES = 256 * 1024;

/**
 * Objects as files of one folder, with a rename as the moment of commit. A single folder needs one fsync a batch, and ext4
 * is as fast with half a million files in it. A file that is put must be on the same file system.
 */
export class DiskStorage extends ObjectStorage {
  /** @throws StorageUnavailable if the folder cannot be created, so that a wrong DATA_DIR stops the start. */
  constructor(private readonly folder: string) {
    super();
    createFolder(folder);
  }

  override async put(objects: readonly NewObject[]): Promise<void> {
    if (objects.length === 0) return;
    const keys = objects.map(({ key }) => checkedKey(key));
    try {
      const paths = await mapSome(objects, CONCURRENT_FILES, (object) => this.spooled(object));
      // Contents before names: after a power cut, a name must not refer to an empty or truncated file.
      await mapSome(paths, CONCURRENT_FILES, sync);
      await mapSome(objects, CONCURRENT_FILES, ({ key }, index) => rename(paths[index]!, this.path(key)));
      await sync(this.folder);
    } catch (error) {
      // No request will refer to the objects that were stored.
      await this.remove(keys).catch(() => undefined);
      throw asStorageError(error);
    }
  }

  override open(key: string, range?: ByteRange): Readable {
    return createReadStream(this.path(key), { ...range, highWaterMark: READ_BUFFER_BYTES });
  }

  override async size(key: string): Promise<number | null> {
    const path = this.path(key);
    try {
      return (await stat(path)).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw asStorageError(error);
    }
  }

  override async remove(keys: readonly string[]): Promise<void> {
    const paths = keys.map((key) => this.path(key));
    try {
      await mapSome(paths, CONCURRENT_FILES, (path) => rm(path, { force: true }));
    } catch (error) {
      throw asStorageError(error);
    }
  }

  /** A disk has no URLs. */
  override url(key: string): Promise<null> {
    checkedKey(key);
    return Promise.resolve(null);
  }

  private path(key: string): string {
    return join(this.folder, checkedKey(key));
  }

  private async spooled(object: NewObject): Promise<string> {
    if ('path' in object) return object.path;
    const path = join(this.folder, `${randomUUID()}.tmp`);
    await writeFile(path, object.bytes, { flag: 'wx', mode: 0o600 });
    return path;
  }
}

/**
 * Creates a folder that only the service's user can read, or narrows an existing one.
 * @throws StorageUnavailable, StartError
 */
export function createFolder(path: string): void {
  try {
    privateFolder(path);
  } catch (error) {
    throw asStorageError(error);
  }
}

/** Makes a file's contents or a folder's names durable. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function asStorageError(error: unknown): unknown {
  const fault = storageFault(error);
  return fault === null ? error : new StorageUnavailable(fault, { cause: error });
}

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NIL } from 'uuid';
import type { DiskStorage } from '../disk.storage.js';
import { mapSome } from '../map-some.js';
import { isKey, type ObjectStorage } from '../object-storage.js';
import { isRemovedList, packOf } from '../packs/removed-list.js';
import { aloneIn } from './move-lock.js';

/** Objects that are copied at once. */
const CONCURRENT = 4;

/** A bucket that takes copies of files. */
export type Bucket = ObjectStorage & { copy: (key: string, path: string) => Promise<void> };

export interface MoveOptions {
  /** Removes files from the disk whose copy has been compared with them. */
  remove: boolean;
  /** Called with the number of files, before the first. */
  begin: (files: number) => void;
  /** Called after each file. */
  done: () => void;
}

/** What a move did. */
export interface Moved {
  files: number;
  copied: number;
  copiedBytes: number;
  removed: number;
  /** Keys of files whose object in the bucket is another one. The files are left as they are. */
  different: string[];
}

type Parts = { folder: string; disk: DiskStorage; bucket: Bucket; remove: boolean };

/**
 * Copies the objects of a disk to a bucket, while the service works. It may be interrupted and repeated: objects that the bucket
 * has are not copied again. Each copy is read back and compared by size and SHA-256.
 * @param folder That of the objects on the disk. The lock is next to it.
 * @throws MoveRunning, StorageUnavailable
 */
export async function moveResults(
  folder: string,
  disk: DiskStorage,
  bucket: Bucket,
  { remove, begin, done }: MoveOptions,
): Promise<Moved> {
  return aloneIn(join(folder, '..'), async () => {
    const keys = (await readdir(folder)).filter(isMoved);
    const moved: Moved = { files: keys.length, copied: 0, copiedBytes: 0, removed: 0, different: [] };
    begin(keys.length);
    await mapSome(keys, CONCURRENT, async (key) => {
      await moveOne(key, { folder, disk, bucket, remove }, moved);
      done();
    });
    return moved;
  });
}

/** Objects of health checks, and files that are being written, come and go. */
function isMoved(name: string): boolean {
  return isKey(name) && !name.startsWith(NIL) && !name.endsWith('.tmp');
}

async function moveOne(key: string, parts: Parts, moved: Moved): Promise<void> {
  const { folder, disk, bucket, remove } = parts;
  const size = await disk.size(key);
  // Deleted since the folder was read.
  if (size === null) return;
  const copied = await bucket.size(key);
  // Only lists are replaced. That on the disk is the newer one.
  const mustCopy = copied === null || isRemovedList(key);
  if (mustCopy) await bucket.copy(key, join(folder, key));
  if (!mustCopy && !remove && copied === size) return;
  const hash = await hashOf(disk, key);
  if (hash === null) return forget(key, parts);
  if (hash !== (await hashOf(bucket, key))) {
    moved.different.push(key);
    // The next move copies it again. An object that was there before stays.
    return mustCopy ? bucket.remove([key]) : undefined;
  }
  // The service removes objects from the disk first, so one that is there now has not been removed from the bucket.
  if ((await disk.size(key)) === null) return forget(key, parts);
  if (mustCopy) {
    moved.copied++;
    moved.copiedBytes += size;
  }
  if (!remove) return;
  await disk.remove([key]);
  moved.removed++;
}

/** Removes the copy of an object that the service removed meanwhile. A list is also gone from the disk when the bucket has a newer one. */
async function forget(key: string, { disk, bucket }: Parts): Promise<void> {
  const pack = isRemovedList(key) ? packOf(key) : null;
  const isNeeded = pack !== null && ((await disk.size(pack)) ?? (await bucket.size(pack))) !== null;
  if (!isNeeded) await bucket.remove([key]);
}

/** Returns the SHA-256 of an object, or null if it is missing. */
async function hashOf(storage: ObjectStorage, key: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of storage.open(key) as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (error) {
    if ((await storage.size(key)) === null) return null;
    throw error;
  }
  return hash.digest('hex');
}

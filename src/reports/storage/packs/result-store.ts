import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { ResultFiles } from '../../../requests/result-files.js';
import type { ByteRange, NewObject } from '../object-storage.js';
import { ObjectStorage } from '../object-storage.js';
import { MAX_PACK_HEADER_BYTES, packOffsets } from './pack-format.js';
import { locationOf } from './result-key.js';
import { Spool } from './spool.js';

/** The offsets of the results of a pack that were removed while others remain. */
const REMOVED = '.removed';

/**
 * The files of reports, each in an object of its own or in a pack. A pack is removed with its last result. Until then a small
 * object next to it lists the removed ones. Two processes that remove results of one pack at once may lose an entry of that
 * list: then the pack stays. It is never removed while a result remains.
 */
@Injectable()
export class ResultStore extends ResultFiles {
  constructor(
    private readonly storage: ObjectStorage,
    private readonly spool: Spool,
  ) {
    super();
  }

  /**
   * Makes spooled results durable, all or none. The results of a pack are committed together.
   * @throws StorageUnavailable
   */
  async commit(keys: readonly string[]): Promise<void> {
    const objects = [...new Set(keys.map((key) => locationOf(key).object))];
    try {
      await this.storage.put(objects.map((key) => ({ key, path: this.spool.path(key) })));
    } catch (error) {
      // The reports are generated again under new keys. On a full disk the old files would only be in the way.
      await Promise.allSettled(objects.map((key) => this.spool.discard(key)));
      throw error;
    }
  }

  /** Reads a result. A missing one is an error of the stream: call `size` first. */
  open(key: string, range?: ByteRange): Readable {
    const { object, entry } = locationOf(key);
    if (!entry) return this.storage.open(object, range);
    const { start, end } = range ?? { start: 0, end: entry.length - 1 };
    return this.storage.open(object, { start: entry.offset + start, end: entry.offset + end });
  }

  /** Returns the size of a result in bytes, or null if it is missing or truncated. */
  async size(key: string): Promise<number | null> {
    const { object, entry } = locationOf(key);
    const size = await this.storage.size(object);
    if (!entry || size === null) return size;
    return size >= entry.offset + entry.length ? entry.length : null;
  }

  override async remove(keys: string[]): Promise<void> {
    const locations = keys.map(locationOf);
    const objects: string[] = [];
    const packs = new Map<string, Set<number>>();
    for (const { object, entry } of locations) {
      if (!entry) objects.push(object);
      else packs.set(object, (packs.get(object) ?? new Set()).add(entry.offset));
    }
    const lists: NewObject[] = [];
    for (const [pack, removed] of packs) {
      const left = await this.leftInPack(pack, removed);
      if (left === 'nothing') objects.push(pack, pack + REMOVED);
      if (left === 'results') lists.push({ key: pack + REMOVED, bytes: Buffer.from(JSON.stringify([...removed])) });
    }
    // Removing comes first: on a full disk the lists can only be written behind it.
    await this.storage.remove(objects);
    await this.storage.put(lists);
  }

  /** @param removed The offsets of results that are removed now; those that were removed before are added. */
  private async leftInPack(pack: string, removed: Set<number>): Promise<'nothing' | 'results' | 'unreadable'> {
    const size = await this.storage.size(pack);
    if (size === null) return 'nothing';
    const offsets = packOffsets(await buffer(this.storage.open(pack, { start: 0, end: MAX_PACK_HEADER_BYTES - 1 })));
    if (!offsets) return 'unreadable';
    if (offsets.every((offset) => removed.has(offset))) return 'nothing';
    const list = pack + REMOVED;
    if ((await this.storage.size(list)) !== null) {
      const known = JSON.parse((await buffer(this.storage.open(list))).toString()) as number[];
      for (const offset of known) removed.add(offset);
    }
    return offsets.every((offset) => removed.has(offset)) ? 'nothing' : 'results';
  }
}

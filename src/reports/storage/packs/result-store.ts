import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { NIL } from 'uuid';
import { ResultFiles } from '../../../requests/result-files.js';
import { mapSome } from '../map-some.js';
import { type ByteRange, type NewObject, ObjectStorage, type ServedAs, StorageUnavailable } from '../object-storage.js';
import { MAX_PACK_HEADER_BYTES, packOffsets } from './pack-format.js';
import { removedList } from './removed-list.js';
import { locationOf } from './result-key.js';
import { Spool } from './spool.js';

/** Stored and removed to find out whether the storage is back. */
const PROBE_KEY = `${NIL}.probe`;
const PROBE_INTERVAL_MS = 1_000;
/** Packs that are read at once to remove results of them. */
const CONCURRENT_PACKS = 16;

/**
 * The files of reports, each in an object of its own or in a pack. A pack is removed with its last result. Until then a small
 * object next to it lists the removed ones. Two processes that remove results of one pack at once may lose an entry of that
 * list: then the pack stays. It is never removed while a result remains.
 */
@Injectable()
export class ResultStore extends ResultFiles {
  private isAway = false;
  private probedAtMs = 0;
  private probing: Promise<boolean> | null = null;

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
      this.isAway = false;
    } catch (error) {
      this.isAway ||= error instanceof StorageUnavailable;
      // The reports are generated again under new keys. On a full disk the old files would only be in the way.
      await Promise.allSettled(objects.map((key) => this.spool.discard(key)));
      throw error;
    }
  }

  /**
   * Whether results can be stored, as far as this process knows. After a commit that failed it tries, once a second at most, so
   * that no report is generated for a storage that is away.
   */
  async canStore(): Promise<boolean> {
    if (!this.isAway) return true;
    if (!this.probing && performance.now() < this.probedAtMs + PROBE_INTERVAL_MS) return false;
    this.probing ??= this.probe().finally(() => {
      this.probing = null;
      this.probedAtMs = performance.now();
    });
    return this.probing;
  }

  private async probe(): Promise<boolean> {
    try {
      await this.storage.put([{ key: PROBE_KEY, bytes: Buffer.from('ok') }]);
      await this.storage.remove([PROBE_KEY]);
      this.isAway = false;
    } catch {
      // The failed commit is logged already.
    }
    return !this.isAway;
  }

  /** Reads a result. A missing one is an error of the stream: call `size` first. */
  open(key: string, range?: ByteRange): Readable {
    const { object, entry } = locationOf(key);
    if (!entry) return this.storage.open(object, range);
    // No range is empty.
    if (entry.length === 0) return Readable.from([]);
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

  /** Returns a URL that serves a result for a short time, or null if it must be streamed, as one in a pack. */
  async url(key: string, as: ServedAs): Promise<string | null> {
    const { object, entry } = locationOf(key);
    return entry ? null : this.storage.url(object, as);
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
    await mapSome([...packs], CONCURRENT_PACKS, async ([pack, removed]) => {
      const left = await this.leftInPack(pack, removed);
      if (left === 'nothing') objects.push(pack, removedList(pack));
      if (left === 'results') lists.push({ key: removedList(pack), bytes: Buffer.from(JSON.stringify([...removed])) });
    });
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
    const list = removedList(pack);
    if ((await this.storage.size(list)) !== null) {
      const known = JSON.parse((await buffer(this.storage.open(list))).toString()) as number[];
      for (const offset of known) removed.add(offset);
    }
    return offsets.every((offset) => removed.has(offset)) ? 'nothing' : 'results';
  }
}

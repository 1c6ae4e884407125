import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ByteRange, type NewObject, ObjectStorage, type ServedAs, checkedKey } from '../object-storage.js';

/**
 * A disk and a bucket, while objects move from one to the other. New objects go to one of them; reading looks at the disk
 * first. An object on the disk is never older than that in the bucket, so it does not matter when a process reads, and with
 * which setting. `daybook storage move` removes an object from the disk when the bucket has it.
 */
export class TwoStorages extends ObjectStorage {
  constructor(
    private readonly disk: ObjectStorage,
    private readonly bucket: ObjectStorage,
    private readonly writesTo: 'disk' | 's3',
  ) {
    super();
  }

  override async put(objects: readonly NewObject[]): Promise<void> {
    if (this.writesTo === 'disk') return this.disk.put(objects);
    await this.bucket.put(objects);
    // Only the list of what was removed from a pack has an older version.
    await this.disk.remove(objects.map(({ key }) => key));
  }

  override open(key: string, range?: ByteRange): Readable {
    checkedKey(key);
    const stream = new PassThrough();
    // An error is one of the stream.
    pipeline(this.read(key, range), stream).catch(() => undefined);
    return stream;
  }

  override async size(key: string): Promise<number | null> {
    return (await this.disk.size(key)) ?? this.bucket.size(key);
  }

  /** The disk comes first: a move that is copying an object then finds it gone, and removes its copy. */
  override async remove(keys: readonly string[]): Promise<void> {
    await this.disk.remove(keys);
    await this.bucket.remove(keys);
  }

  override async url(key: string, as: ServedAs): Promise<string | null> {
    return (await this.disk.size(key)) === null ? this.bucket.url(key, as) : null;
  }

  private async *read(key: string, range: ByteRange | undefined): AsyncGenerator<Buffer> {
    try {
      yield* this.disk.open(key, range) as AsyncIterable<Buffer>;
    } catch (error) {
      // Opening fails before the first byte.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      yield* this.bucket.open(key, range) as AsyncIterable<Buffer>;
    }
  }
}

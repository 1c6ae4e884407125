import type { Readable } from 'node:stream';
import { DaybookError } from '../../platform/errors.js';
import { ResultFiles } from '../../requests/result-files.js';

/** The storage cannot be used right now. The report is not at fault: it may be made again. */
export class StorageUnavailable extends DaybookError {
  readonly code = 'storage-unavailable';
}

/** A range of bytes, both ends included, as in `Range: bytes=0-99`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Keeps the files of reports. A file is spooled while it is written and becomes a result by `commit`; what was spooled
 * and never committed is nobody's, and is cleared in time.
 */
export abstract class FileStore extends ResultFiles {
  /** The local path where a worker thread writes a file that is not a result yet. The key is of a whole file. */
  abstract spoolPath(key: string): string;

  /**
   * Makes spooled files durable results, all or none; when it resolves they survive a power cut. Parts of a file are
   * committed together.
   * @throws StorageUnavailable
   */
  abstract commit(keys: string[]): Promise<void>;

  /** Throws whole spooled files away. A missing one is fine. */
  abstract discard(keys: string[]): Promise<void>;

  /** Reads a result, or a part of it. A missing one shows as an error of the stream: ask for the size first. */
  abstract open(key: string, range?: ByteRange): Readable;

  /** The bytes of a result, or null when there is none. */
  abstract size(key: string): Promise<number | null>;

  /** Deletes results. A missing one is fine. */
  abstract override remove(keys: string[]): Promise<void>;

  /** Throws away spooled files that nobody has touched for so long; gives how many. For a crash's leftovers. */
  abstract clearSpool(olderThanMs: number): Promise<number>;
}

import type { Readable } from 'node:stream';
import { DaybookError } from '../../platform/errors.js';

/** The storage cannot be used now. The report is not at fault and can be generated again. */
export class StorageUnavailable extends DaybookError {
  readonly code = 'storage-unavailable';
}

/** A range of bytes, both ends included, as in `Range: bytes=0-99`. */
export interface ByteRange {
  start: number;
  end: number;
}

/** A new object: bytes, or a finished local file, which `put` consumes. */
export type NewObject = { key: string } & ({ bytes: Buffer } | { path: string });

/** The headers with which a URL serves an object. */
export interface ServedAs {
  contentType: string;
  contentDisposition: string;
}

/**
 * Keeps whole objects, written once and read in whole or in part. A driver passes test/reports/storage-conformance.ts.
 * Keys are a UUID and one or two extensions; a driver throws TypeError for any other, before it touches anything.
 */
export abstract class ObjectStorage {
  /**
   * Stores objects, all or none. They survive a power cut when it resolves. An existing object is replaced.
   * @throws StorageUnavailable
   */
  abstract put(objects: readonly NewObject[]): Promise<void>;

  /** Reads an object. A missing one is an error of the stream: call `size` first. */
  abstract open(key: string, range?: ByteRange): Readable;

  /**
   * Returns the object's size in bytes, or null if there is none.
   * @throws StorageUnavailable
   */
  abstract size(key: string): Promise<number | null>;

  /**
   * Removes objects, and ignores missing ones.
   * @throws StorageUnavailable
   */
  abstract remove(keys: readonly string[]): Promise<void>;

  /**
   * Returns a URL from which anyone can read the object for a short time; null if it must be streamed instead. It does not
   * check that the object exists.
   * @throws StorageUnavailable
   */
  abstract url(key: string, as: ServedAs): Promise<string | null>;
}

const OBJECT_KEY = /^[0-9a-f-]{36}(?:\.[a-z0-9]+){1,2}$/;

/** Whether a text is the key of an object. */
export const isKey = (text: string): boolean => OBJECT_KEY.test(text);

/** @throws TypeError for anything that could name another place: a bug of the caller. */
export function checkedKey(key: string): string {
  if (!isKey(key)) throw new TypeError(`Not the key of an object: ${JSON.stringify(key)}`);
  return key;
}

import { checkedKey } from '../object-storage.js';

/** The bytes of one result within a pack. */
export interface PackEntry {
  offset: number;
  length: number;
}

/** The location of a result: an object of its own, or an entry of a pack. */
export interface ResultLocation {
  object: string;
  entry: PackEntry | null;
}

const ENTRY = /^(.*)\+(\d{1,15})\+(\d{1,15})$/;

/** The key of the object that one attempt writes. */
export function objectKey(fileId: string, format: string): string {
  return checkedKey(`${fileId}.${format}`);
}

/** The key of a result in a pack, as `requests.file_key` holds it: `<object>+<offset>+<length>`. */
export function packedKey(object: string, { offset, length }: PackEntry): string {
  return `${object}+${offset}+${length}`;
}

/** The only reader of result keys. @throws TypeError for anything else: a bug of the caller. */
export function locationOf(resultKey: string): ResultLocation {
  const [, object, offset, length] = ENTRY.exec(resultKey) ?? [];
  if (object === undefined) return { object: checkedKey(resultKey), entry: null };
  return { object: checkedKey(object), entry: { offset: Number(offset), length: Number(length) } };
}

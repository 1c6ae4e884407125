/** Where one report's bytes are in a file that holds several. */
export interface FilePart {
  offset: number;
  length: number;
}

/** What a key names: a file, or a part of one. */
export interface FilePlace {
  file: string;
  part: FilePart | null;
}

const KEY = /^([0-9a-f-]{36}\.[a-z0-9]+)(?:\+(\d{1,15})\+(\d{1,15}))?$/;

/** The name in the store of one attempt's file. */
export function fileKey(fileId: string, format: string): string {
  const key = `${fileId}.${format}`;
  return placeOf(key).file;
}

/** The name of a part of a file that holds several reports. */
export function partKey(key: string, { offset, length }: FilePart): string {
  return `${key}+${offset}+${length}`;
}

/** @throws TypeError for anything that could name another place: a bug of the caller. */
export function placeOf(key: string): FilePlace {
  const match = KEY.exec(key);
  if (!match) throw new TypeError(`Not the key of a report file: ${JSON.stringify(key)}`);
  const [, file, offset, length] = match;
  return { file: file!, part: offset === undefined ? null : { offset: Number(offset), length: Number(length) } };
}

import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DiskFileStore } from './disk-file-store.js';
import { fileKey, partKey } from './file-key.js';
import { StorageUnavailable } from './file-store.js';

let folder: string;
let files: DiskFileStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-files-'));
  files = new DiskFileStore(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a file as a worker thread does. */
function spooled(content = 'content'): string {
  const key = fileKey(randomUUID(), 'csv');
  writeFileSync(files.spoolPath(key), content);
  return key;
}

const everyFile = (): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [entry.name] : [],
  );

describe('DiskFileStore', () => {
  it('shows a file only once it is committed', async () => {
    const key = spooled();
    expect(await files.size(key)).toBeNull();
    await files.commit([key]);
    expect(await files.size(key)).toBe(7);
    expect(await text(files.open(key))).toBe('content');
    expect(existsSync(files.spoolPath(key))).toBe(false);
  });

  it('commits many files together', async () => {
    const keys = Array.from({ length: 200 }, (_, index) => spooled(`file ${index}`));
    await files.commit(keys);
    expect(await text(files.open(keys[199]!))).toBe('file 199');
    expect(everyFile()).toHaveLength(200);
    await files.commit([]);
  });

  it('commits all files or none', async () => {
    const [key, missing] = [spooled(), fileKey(randomUUID(), 'csv')];
    await expect(files.commit([key, missing])).rejects.toThrow(StorageUnavailable);
    expect(await files.size(key)).toBeNull();
  });

  it('reads a range, both ends included', async () => {
    const key = spooled('0123456789');
    await files.commit([key]);
    expect(await text(files.open(key, { start: 2, end: 4 }))).toBe('234');
  });

  it('discards what is spooled and leaves results alone', async () => {
    const [kept, thrown] = [spooled(), spooled()];
    await files.commit([kept]);
    await files.discard([kept, thrown, fileKey(randomUUID(), 'csv')]);
    expect(everyFile()).toEqual([kept]);
  });

  it('removes results, and does not mind missing ones', async () => {
    const keys = [spooled(), spooled()];
    await files.commit(keys);
    await files.remove([...keys, fileKey(randomUUID(), 'csv')]);
    expect(everyFile()).toEqual([]);
  });

  it('clears from the spool only what nobody has touched for long', async () => {
    const [result, old, fresh] = [spooled(), spooled(), spooled()];
    await files.commit([result]);
    const anHourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(files.spoolPath(old), anHourAgo, anHourAgo);
    expect(await files.clearSpool(60_000)).toBe(1);
    expect(everyFile().sort()).toEqual([result, fresh].sort());
  });

  it('finds results again after a restart', async () => {
    const key = spooled();
    await files.commit([key]);
    expect(await new DiskFileStore(folder).size(key)).toBe(7);
  });

  describe('with several reports in one file', () => {
    /** Three parts of one committed file. */
    async function parts(): Promise<[string, string, string]> {
      const key = spooled('onetwothree');
      const keys = [
        partKey(key, { offset: 0, length: 3 }),
        partKey(key, { offset: 3, length: 3 }),
        partKey(key, { offset: 6, length: 5 }),
      ] as [string, string, string];
      await files.commit(keys);
      return keys;
    }

    it('reads each as a file of its own', async () => {
      const [one, two, three] = await parts();
      expect(await Promise.all([one, two, three].map((key) => files.size(key)))).toEqual([3, 3, 5]);
      expect(await text(files.open(one))).toBe('one');
      expect(await text(files.open(three))).toBe('three');
      expect(await text(files.open(two, { start: 1, end: 1 }))).toBe('w');
    });

    it('removes one for good, and leaves the others alone', async () => {
      const [one, two, three] = await parts();
      await files.remove([two]);
      expect(await Promise.all([one, two, three].map((key) => files.size(key)))).toEqual([3, null, 5]);
      expect(readFileSync(join(folder, 'files', 'results', everyFile()[0]!), 'latin1')).toBe('one\0\0\0three');
      expect(await text(files.open(three))).toBe('three');
    });

    it('deletes the file with the last of them', async () => {
      const [one, two, three] = await parts();
      await files.remove([one, three]);
      expect(everyFile()).toHaveLength(1);
      await files.remove([two, two]);
      expect(everyFile()).toEqual([]);
      await files.remove([one, two, three]);
    });

    it('finds none in a file that was cut short', async () => {
      const [one, , three] = await parts();
      truncateSync(join(folder, 'files', 'results', everyFile()[0]!), 10);
      expect([await files.size(one), await files.size(three)]).toEqual([3, null]);
    });
  });

  it.each([
    `${randomUUID()}.csv+1`,
    `${randomUUID()}.csv+-1+2`,
    '../../etc/passwd',
    `${randomUUID()}.csv/..`,
    `../${randomUUID()}.csv`,
    randomUUID(),
    '',
    'a.csv',
    `${randomUUID()}.csv\0`,
  ])('refuses the key %j everywhere', async (key) => {
    expect(() => files.spoolPath(key)).toThrow(TypeError);
    expect(() => files.open(key)).toThrow(TypeError);
    await expect(files.size(key)).rejects.toThrow(TypeError);
    await expect(files.commit([key])).rejects.toThrow(TypeError);
    await expect(files.discard([key])).rejects.toThrow(TypeError);
    await expect(files.remove([key])).rejects.toThrow(TypeError);
  });

  it('stops the start when the folder cannot be made', () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const start = () => new DiskFileStore(file);
    expect(start).toThrow(StorageUnavailable);
    expect(start).toThrow('Report files cannot be stored: a part of the path is not a folder (ENOTDIR)');
  });
});

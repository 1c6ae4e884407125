import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { NewObject, ObjectStorage } from '../../src/reports/storage/object-storage.js';
import { StorageUnavailable } from '../../src/reports/storage/object-storage.js';

/** What a driver's spec provides. */
export interface StorageUnderTest {
  /** A second instance over the same objects, as after a restart. */
  reopened: () => ObjectStorage;
  storage: ObjectStorage;
  /** Writes a local file that `put` can consume. */
  spool: (content: string) => string;
}

/** The behaviour of every driver of {@link ObjectStorage}. */
export function describeStorage(name: string, open: () => StorageUnderTest): void {
  let given: StorageUnderTest;
  let storage: ObjectStorage;
  beforeEach(() => {
    given = open();
    ({ storage } = given);
  });

  const newKey = (): string => `${randomUUID()}.csv`;
  async function stored(content: string): Promise<string> {
    const key = newKey();
    await storage.put([{ key, bytes: Buffer.from(content) }]);
    return key;
  }

  describe(`${name} as an object storage`, () => {
    it('stores bytes and files, and returns them', async () => {
      const [one, two] = [newKey(), newKey()];
      await storage.put([
        { key: one, bytes: Buffer.from('Zürich') },
        { key: two, path: given.spool('a file') },
      ]);
      expect(await Promise.all([one, two].map((key) => storage.size(key)))).toEqual([7, 6]);
      expect(await text(storage.open(one))).toBe('Zürich');
      expect(await text(storage.open(two))).toBe('a file');
    });

    it('reads a range, both ends included', async () => {
      const key = await stored('0123456789');
      expect(await text(storage.open(key, { start: 2, end: 4 }))).toBe('234');
      expect(await text(storage.open(key, { start: 8, end: 100 }))).toBe('89');
    });

    it('stores all objects of a call or none', async () => {
      const [key, other] = [newKey(), newKey()];
      const missing: NewObject = { key: other, path: `${given.spool('x')}-missing` };
      await expect(storage.put([{ key, path: given.spool('x') }, missing])).rejects.toThrow(StorageUnavailable);
      expect(await Promise.all([key, other].map((one) => storage.size(one)))).toEqual([null, null]);
    });

    it('stores many objects at once', async () => {
      const objects = Array.from({ length: 200 }, (_, n) => ({ key: newKey(), path: given.spool(`file ${n}`) }));
      await storage.put(objects);
      expect(await text(storage.open(objects[199]!.key))).toBe('file 199');
      await storage.put([]);
    });

    it('replaces an object', async () => {
      const key = await stored('first');
      await storage.put([{ key, bytes: Buffer.from('second') }]);
      expect(await text(storage.open(key))).toBe('second');
    });

    it('removes objects, and ignores missing ones', async () => {
      const [gone, kept] = [await stored('a'), await stored('b')];
      await storage.remove([gone, newKey()]);
      expect(await Promise.all([gone, kept].map((key) => storage.size(key)))).toEqual([null, 1]);
    });

    it('reports a missing object as an error of the stream', async () => {
      await expect(text(storage.open(newKey()))).rejects.toThrow();
    });

    it('keeps objects over a restart', async () => {
      const key = await stored('content');
      expect(await given.reopened().size(key)).toBe(7);
    });

    it.each([
      '../../etc/passwd',
      `../${randomUUID()}.csv`,
      `${randomUUID()}.csv/..`,
      `${randomUUID()}.csv\0`,
      'a.csv',
      '',
    ])('refuses the key %j', async (key) => {
      expect(() => storage.open(key)).toThrow(TypeError);
      await expect(storage.size(key)).rejects.toThrow(TypeError);
      await expect(storage.put([{ key, bytes: Buffer.from('x') }])).rejects.toThrow(TypeError);
      await expect(storage.remove([key])).rejects.toThrow(TypeError);
    });
  });
}

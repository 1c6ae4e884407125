import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ObjectStorage } from '../../src/reports/storage/object-storage.js';
import { packHeader, packHeaderBytes } from '../../src/reports/storage/packs/pack-format.js';
import { objectKey, packedKey } from '../../src/reports/storage/packs/result-key.js';
import { ResultStore } from '../../src/reports/storage/packs/result-store.js';
import type { Spool } from '../../src/reports/storage/packs/spool.js';

/** The behaviour of results and packs on every driver of {@link ObjectStorage}. */
export function describePacks(name: string, open: () => { storage: ObjectStorage; spool: Spool }): void {
  let storage: ObjectStorage;
  let spool: Spool;
  let results: ResultStore;
  beforeEach(() => {
    ({ storage, spool } = open());
    results = new ResultStore(storage, spool);
  });

  const sizes = (keys: string[]) => Promise.all(keys.map((key) => results.size(key)));
  const objectOf = (key: string) => key.split('+')[0]!;
  const listOf = (key: string) => `${objectOf(key)}.removed`;

  function spooled(content: string | Buffer = 'content'): string {
    const key = objectKey(randomUUID(), 'csv');
    writeFileSync(spool.path(key), content);
    return key;
  }

  /** A committed pack with the results "one", "two", "three" and an empty one. */
  async function pack(): Promise<[string, string, string, string]> {
    const start = packHeaderBytes(5);
    const entries = [
      { requestId: randomUUID(), offset: start, length: 3 },
      { requestId: randomUUID(), offset: start + 3, length: 3 },
      { requestId: randomUUID(), offset: start + 6, length: 5 },
      { requestId: randomUUID(), offset: start + 11, length: 0 },
    ];
    const key = spooled(Buffer.concat([packHeader(5, entries), Buffer.from('onetwothree')]));
    const keys = entries.map((entry) => packedKey(key, entry)) as [string, string, string, string];
    await results.commit(keys);
    return keys;
  }

  describe(`results on ${name}`, () => {
    it('are there once they are committed', async () => {
      const key = spooled();
      expect(await results.size(key)).toBeNull();
      await results.commit([key]);
      expect(await results.size(key)).toBe(7);
      expect(await text(results.open(key, { start: 1, end: 2 }))).toBe('on');
      await results.remove([key]);
      expect(await storage.size(key)).toBeNull();
    });

    it('of a pack are read as files of their own', async () => {
      const [one, two, three, empty] = await pack();
      expect(await sizes([one, two, three, empty])).toEqual([3, 3, 5, 0]);
      expect(await text(results.open(one))).toBe('one');
      expect(await text(results.open(three))).toBe('three');
      expect(await text(results.open(two, { start: 1, end: 1 }))).toBe('w');
      expect(await text(results.open(empty))).toBe('');
    });

    it('keep their pack while one of them remains', async () => {
      const [one, two, three, empty] = await pack();
      await results.remove([two]);
      await results.remove([one, two, empty]);
      expect(await text(results.open(three))).toBe('three');
      expect(await storage.size(listOf(three))).toBeGreaterThan(0);
      for (const keys of [[three], [one, two, three, empty]]) {
        await results.remove(keys);
        expect(await Promise.all([objectOf(three), listOf(three)].map((key) => storage.size(key)))).toEqual([
          null,
          null,
        ]);
      }
    });

    it('take their pack with them when all are removed together', async () => {
      const [kept] = await pack();
      const keys = await pack();
      await results.remove(keys);
      expect(await sizes(keys)).toEqual([null, null, null, null]);
      expect(await storage.size(objectOf(keys[0]))).toBeNull();
      expect(await results.size(kept)).toBe(3);
    });

    it('are missing when their pack is truncated', async () => {
      const [one, , three] = await pack();
      const truncated = await buffer(storage.open(objectOf(one), { start: 0, end: packHeaderBytes(5) + 9 }));
      await storage.put([{ key: objectOf(one), bytes: truncated }]);
      expect(await sizes([one, three])).toEqual([3, null]);
    });

    it('in a pack have no URL', async () => {
      const [one] = await pack();
      expect(await results.url(one, { contentType: 'text/csv', contentDisposition: 'attachment' })).toBeNull();
    });

    it.each([`${randomUUID()}.csv+1`, `${randomUUID()}.csv+-1+2`, `../${randomUUID()}.csv+1+2`])(
      'refuse the key %j',
      async (key) => {
        expect(() => results.open(key)).toThrow(TypeError);
        for (const act of [results.size(key), results.commit([key]), results.remove([key])])
          await expect(act).rejects.toThrow(TypeError);
      },
    );
  });
}

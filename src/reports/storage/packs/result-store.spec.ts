import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DiskStorage } from '../disk.storage.js';
import { packHeader, packHeaderBytes, packOffsets } from './pack-format.js';
import { objectKey, packedKey } from './result-key.js';
import { ResultStore } from './result-store.js';
import { Spool } from './spool.js';

let folder: string;
let spool: Spool;
let results: ResultStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-results-'));
  spool = new Spool(join(folder, 'spool'));
  results = new ResultStore(new DiskStorage(join(folder, 'results')), spool);
});
afterEach(() => rmSync(folder, { recursive: true }));

const objects = () => readdirSync(join(folder, 'results'));
const sizes = (keys: string[]) => Promise.all(keys.map((key) => results.size(key)));

function spooled(content: string | Buffer = 'content'): string {
  const key = objectKey(randomUUID(), 'csv');
  writeFileSync(spool.path(key), content);
  return key;
}

/** A committed pack with the results "one", "two" and "three". */
async function pack(): Promise<[string, string, string]> {
  const start = packHeaderBytes(5);
  const entries = [
    { requestId: randomUUID(), offset: start, length: 3 },
    { requestId: randomUUID(), offset: start + 3, length: 3 },
    { requestId: randomUUID(), offset: start + 6, length: 5 },
  ];
  const key = spooled(Buffer.concat([packHeader(5, entries), Buffer.from('onetwothree')]));
  const keys = entries.map((entry) => packedKey(key, entry)) as [string, string, string];
  await results.commit(keys);
  return keys;
}

describe('ResultStore', () => {
  it('shows a result once it is committed', async () => {
    const key = spooled();
    expect(await results.size(key)).toBeNull();
    await results.commit([key]);
    expect(await results.size(key)).toBe(7);
    expect(await text(results.open(key, { start: 1, end: 2 }))).toBe('on');
    await results.remove([key]);
    expect(objects()).toEqual([]);
  });

  it('reads each result of a pack as a file of its own', async () => {
    const [one, two, three] = await pack();
    expect(await sizes([one, two, three])).toEqual([3, 3, 5]);
    expect(await text(results.open(one))).toBe('one');
    expect(await text(results.open(three))).toBe('three');
    expect(await text(results.open(two, { start: 1, end: 1 }))).toBe('w');
  });

  it('keeps a pack while one of its results remains', async () => {
    const [one, two, three] = await pack();
    await results.remove([two]);
    await results.remove([one, two]);
    expect(await text(results.open(three))).toBe('three');
    await results.remove([three]);
    expect(objects()).toEqual([]);
    await results.remove([one, two, three]);
    expect(objects()).toEqual([]);
  });

  it('removes a pack when all its results are removed together', async () => {
    const [kept] = await pack();
    const keys = await pack();
    await results.remove(keys);
    expect(objects()).toEqual([kept.split('+')[0]]);
  });

  it('reports a result as missing when its pack is truncated', async () => {
    const [one, , three] = await pack();
    truncateSync(join(folder, 'results', objects()[0]!), packHeaderBytes(5) + 10);
    expect(await sizes([one, three])).toEqual([3, null]);
  });

  it.each([`${randomUUID()}.csv+1`, `${randomUUID()}.csv+-1+2`, `../${randomUUID()}.csv+1+2`])(
    'refuses the key %j',
    async (key) => {
      expect(() => results.open(key)).toThrow(TypeError);
      await expect(results.size(key)).rejects.toThrow(TypeError);
      await expect(results.commit([key])).rejects.toThrow(TypeError);
      await expect(results.remove([key])).rejects.toThrow(TypeError);
    },
  );
});

describe('Spool', () => {
  it('discards spooled files, and leaves results alone', async () => {
    const [kept, discarded] = [spooled(), spooled()];
    await results.commit([kept]);
    for (const key of [kept, discarded]) await spool.discard(key);
    expect([readdirSync(join(folder, 'spool')), objects()]).toEqual([[], [kept]]);
  });

  it('clears only files that have not changed for the given time', async () => {
    const [old, fresh] = [spooled(), spooled()];
    const anHourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(spool.path(old), anHourAgo, anHourAgo);
    expect(await spool.clear(60_000)).toBe(1);
    expect(readdirSync(join(folder, 'spool'))).toEqual([fresh]);
  });
});

describe('packOffsets', () => {
  it.each([Buffer.alloc(0), Buffer.alloc(100), packHeader(3, []).fill(9, 4, 6)])('refuses other bytes', (bytes) => {
    expect(packOffsets(bytes)).toBeNull();
  });
});

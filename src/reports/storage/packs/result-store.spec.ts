import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describePacks } from '../../../../test/reports/pack-conformance.js';
import { eventually } from '../../../../test/support/eventually.js';
import { DiskStorage } from '../disk.storage.js';
import { type NewObject, StorageUnavailable } from '../object-storage.js';
import { packHeader, packOffsets } from './pack-format.js';
import { objectKey } from './result-key.js';
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

function spooled(content: string | Buffer = 'content'): string {
  const key = objectKey(randomUUID(), 'csv');
  writeFileSync(spool.path(key), content);
  return key;
}

describePacks('DiskStorage', () => ({ storage: new DiskStorage(join(folder, 'results')), spool }));

describe('a storage that is away', () => {
  it('is tried once a second at most after a failed commit, until it works', async () => {
    let isAway = true;
    const puts: string[] = [];
    class Faulty extends DiskStorage {
      override async put(given: readonly NewObject[]): Promise<void> {
        puts.push(...given.map(({ key }) => key));
        if (isAway) throw new StorageUnavailable('away');
        await super.put(given);
      }
    }
    const store = new ResultStore(new Faulty(join(folder, 'results')), spool);
    expect(await store.canStore()).toBe(true);
    const key = spooled();
    await expect(store.commit([key])).rejects.toThrow('away');
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
    expect(puts.splice(0)).toEqual([key]);
    expect(await Promise.all([store.canStore(), store.canStore()])).toEqual([false, false]);
    expect(await store.canStore()).toBe(false);
    expect(puts).toHaveLength(1);
    isAway = false;
    await eventually(() => store.canStore());
    expect([puts.length, objects()]).toEqual([2, []]);
    await store.commit([spooled()]);
    expect(puts).toHaveLength(3);
  });
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

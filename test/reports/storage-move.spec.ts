/** Moving report files from a disk to a bucket while both are read. */
import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../src/platform/config/config.js';
import { DiskStorage } from '../../src/reports/storage/disk.storage.js';
import { MoveRunning } from '../../src/reports/storage/move/move-lock.js';
import { moveResults } from '../../src/reports/storage/move/move-results.js';
import { TwoStorages } from '../../src/reports/storage/move/two-storages.js';
import { StorageUnavailable } from '../../src/reports/storage/object-storage.js';
import { Spool } from '../../src/reports/storage/packs/spool.js';
import { S3Storage } from '../../src/reports/storage/s3/s3.storage.js';
import { temporaryFolder } from '../support/folder.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';
import { describePacks } from './pack-conformance.js';
import { describeStorage } from './storage-conformance.js';

let server: S3Server;
let bucket: S3Storage;
let home: string;
let files: string;
let results: string;
let disk: DiskStorage;
beforeAll(async () => {
  server = await startS3Server();
  bucket = bucketOf(server);
  home = await temporaryFolder();
});
afterAll(() => bucket.close());

beforeEach(() => {
  files = join(home, randomUUID());
  results = join(files, 'results');
  disk = new DiskStorage(results);
});

function bucketOf({ settings }: S3Server): S3Storage {
  const config = parseConfig(settings);
  return new S3Storage({ ...config, S3_BUCKET: config.S3_BUCKET! });
}

function spool(content: string): string {
  const path = join(files, randomUUID());
  writeFileSync(path, content);
  return path;
}

const newKey = (): string => `${randomUUID()}.csv`;

for (const writesTo of ['disk', 's3'] as const) {
  const name = `TwoStorages that write to ${writesTo}`;
  const reopened = () => new TwoStorages(new DiskStorage(results), bucket, writesTo);
  describeStorage(name, () => ({ storage: reopened(), reopened, spool }));
  describePacks(name, () => ({ storage: reopened(), spool: new Spool(join(files, 'spool')) }));
}

describe('a disk and a bucket', () => {
  it('serve what either has, whichever is written to', async () => {
    const [onDisk, inBucket] = [newKey(), newKey()];
    await disk.put([{ key: onDisk, bytes: Buffer.from('on the disk') }]);
    await bucket.put([{ key: inBucket, bytes: Buffer.from('in the bucket') }]);
    const as = { contentType: 'text/csv', contentDisposition: 'attachment' };
    for (const writesTo of ['disk', 's3'] as const) {
      const both = new TwoStorages(disk, bucket, writesTo);
      expect([await both.size(onDisk), await both.size(inBucket)]).toEqual([11, 13]);
      expect(await text(both.open(onDisk, { start: 7, end: 99 }))).toBe('disk');
      expect(await text(both.open(inBucket, { start: 7, end: 99 }))).toBe('bucket');
      expect([await both.url(onDisk, as), await both.url(inBucket, as)]).toEqual([
        null,
        expect.stringContaining(inBucket),
      ]);
    }
    await new TwoStorages(disk, bucket, 'disk').remove([onDisk, inBucket]);
    expect([await disk.size(onDisk), await bucket.size(inBucket)]).toEqual([null, null]);
  });

  it('never serve the older version of a list', async () => {
    const key = `${newKey()}.removed`;
    const [toDisk, toBucket] = (['disk', 's3'] as const).map((writesTo) => new TwoStorages(disk, bucket, writesTo));
    for (const [storage, content] of [
      [toDisk!, 'one'],
      [toBucket!, 'two'],
      [toDisk!, 'three'],
    ] as const) {
      await storage.put([{ key, bytes: Buffer.from(content) }]);
      expect(await text(toDisk!.open(key))).toBe(content);
      expect(await text(toBucket!.open(key))).toBe(content);
    }
  });
});

describe('moveResults', () => {
  async function store(...contents: (string | Buffer)[]): Promise<string[]> {
    const objects = contents.map((content) => ({ key: newKey(), bytes: Buffer.from(content) }));
    await disk.put(objects);
    return objects.map(({ key }) => key);
  }

  async function move(remove = false, target = bucket, onDone: () => void = () => undefined) {
    const progress: number[] = [];
    const begin = (count: number) => progress.push(count);
    const moved = await moveResults(results, disk, target, { remove, begin, done: onDone });
    return { ...moved, begun: progress };
  }

  const sizes = (keys: string[]) => Promise.all(keys.map((key) => bucket.size(key)));

  it('copies once, reads each copy back, and leaves the disk as it is', async () => {
    const keys = await store('one', 'two', randomBytes(6_000_000));
    const stray = ['stray', `${randomUUID()}.tmp`, '00000000-0000-0000-0000-000000000000.health'];
    for (const name of stray) writeFileSync(join(results, name), 'x');
    const before = server.requests.length;
    expect(await move()).toEqual({
      files: 3,
      copied: 3,
      copiedBytes: 6_000_006,
      removed: 0,
      different: [],
      begun: [3],
    });
    expect(await sizes(keys)).toEqual([3, 3, 6_000_000]);
    const sent = server.requests.slice(before);
    for (const key of keys) expect(sent.filter((line) => line.startsWith(`GET`) && line.includes(key))).toHaveLength(1);
    expect(await move()).toMatchObject({ files: 3, copied: 0, removed: 0 });
    expect(readdirSync(results).toSorted()).toEqual([...keys, ...stray].toSorted());
    expect(existsSync(join(files, 'move.lock'))).toBe(false);
  });

  it('removes files only after their copies were compared, and never one that differs', async () => {
    const [same, copied, shorter, other] = (await store('same', 'copied', 'shorter', 'other')) as [
      string,
      string,
      string,
      string,
    ];
    await bucket.put([
      { key: same, bytes: Buffer.from('same') },
      { key: shorter, bytes: Buffer.from('short') },
      { key: other, bytes: Buffer.from('OTHER') },
    ]);
    expect((await move()).different).toEqual([shorter]);
    const moved = await move(true);
    expect({ ...moved, different: moved.different.toSorted() }).toMatchObject({
      copied: 0,
      removed: 2,
      different: [shorter, other].toSorted(),
    });
    expect(readdirSync(results).toSorted()).toEqual([shorter, other].toSorted());
    expect(await text(bucket.open(copied))).toBe('copied');
    expect(await text(bucket.open(other))).toBe('OTHER');
  });

  it('keeps a file whose copy arrives changed, and copies it again later', async () => {
    const [key] = await store('content');
    class Corrupting extends S3Storage {
      override async copy(to: string): Promise<void> {
        await this.put([{ key: to, bytes: Buffer.from('CONTENT') }]);
      }
    }
    const config = parseConfig(server.settings);
    const corrupting = new Corrupting({ ...config, S3_BUCKET: config.S3_BUCKET! });
    expect(await move(true, corrupting)).toMatchObject({ copied: 0, removed: 0, different: [key] });
    corrupting.close();
    expect(await bucket.size(key!)).toBeNull();
    expect(await move(true)).toMatchObject({ copied: 1, removed: 1, different: [] });
    expect(await text(bucket.open(key!))).toBe('content');
  });

  it('goes on after an outage where it was', async () => {
    const keys = await store(...Array.from({ length: 20 }, (_, n) => `file ${n}`));
    let done = 0;
    const failing = move(true, bucket, () => {
      if (++done === 5) server.failOn(() => true);
    });
    await expect(failing).rejects.toThrow(StorageUnavailable);
    server.failOn(() => false);
    const left = readdirSync(results).length;
    expect(left).toBeLessThan(20);
    expect(await move(true)).toMatchObject({ files: left, removed: left, different: [] });
    expect(await sizes(keys)).toEqual(keys.map((_, n) => `file ${n}`.length));
    expect(readdirSync(results)).toEqual([]);
  });

  it('leaves no copy of an object that the service removes while it is copied', async () => {
    const [key] = await store('content');
    const service = new TwoStorages(disk, bucket, 'disk');
    class Slow extends S3Storage {
      override async copy(to: string, path: string): Promise<void> {
        const bytes = readFileSync(path);
        await service.remove([to]);
        await this.put([{ key: to, bytes }]);
      }
    }
    const config = parseConfig(server.settings);
    const slow = new Slow({ ...config, S3_BUCKET: config.S3_BUCKET! });
    expect(await move(false, slow)).toMatchObject({ copied: 0, different: [] });
    slow.close();
    expect(await bucket.size(key!)).toBeNull();
  });

  it('replaces the list of a pack by the newer one on the disk', async () => {
    const list = `${newKey()}.removed`;
    await bucket.put([{ key: list, bytes: Buffer.from('[1]') }]);
    await disk.put([{ key: list, bytes: Buffer.from('[1,2]') }]);
    expect(await move(true)).toMatchObject({ copied: 1, removed: 1 });
    expect(await text(bucket.open(list))).toBe('[1,2]');
  });

  it('does not run twice at once, and takes over the lock of a process that ended', async () => {
    await store('content');
    const lock = join(files, 'move.lock');
    for (const other of [`${process.ppid} on ${hostname()}`, '1 on another-machine']) {
      writeFileSync(lock, other);
      const moving = move();
      await expect(moving).rejects.toThrow(MoveRunning);
      await expect(moving).rejects.toThrow(`Process ${other} moves files already. If it does not run, delete ${lock}`);
      expect(existsSync(lock)).toBe(true);
    }
    const child = spawn(process.execPath, ['--version']);
    await once(child, 'exit');
    for (const ended of [child.pid, process.pid]) {
      writeFileSync(lock, `${ended} on ${hostname()}`);
      expect(await move()).toMatchObject({ files: 1 });
    }
    expect(existsSync(lock)).toBe(false);
  });
});

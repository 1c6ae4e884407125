import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeStorage } from '../../../test/reports/storage-conformance.js';
import { DiskStorage } from './disk.storage.js';
import { StorageUnavailable } from './object-storage.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-disk-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function spool(content: string): string {
  const path = join(folder, randomUUID());
  writeFileSync(path, content);
  return path;
}

describeStorage('DiskStorage', () => {
  const reopened = () => new DiskStorage(join(folder, 'results'));
  return { storage: reopened(), reopened, spool };
});

describe('DiskStorage', () => {
  it('consumes the spooled file, and leaves nothing but objects', async () => {
    const storage = new DiskStorage(join(folder, 'results'));
    const keys = [`${randomUUID()}.csv`, `${randomUUID()}.csv`] as const;
    await storage.put([
      { key: keys[0], path: spool('a') },
      { key: keys[1], bytes: Buffer.from('b') },
    ]);
    expect(readdirSync(folder)).toEqual(['results']);
    expect(readdirSync(join(folder, 'results')).toSorted()).toEqual(keys.toSorted());
  });

  it('lets only its user read folders and objects, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const storage = new DiskStorage(join(folder, 'private'));
      const key = `${randomUUID()}.csv`;
      await storage.put([{ key, bytes: Buffer.from('x') }]);
      const modes = [join(folder, 'private'), join(folder, 'private', key)].map((path) => statSync(path).mode & 0o777);
      expect(modes).toEqual([0o700, 0o600]);
    } finally {
      process.umask(before);
    }
  });

  it('fails to start when its folder cannot be created', () => {
    const start = () => new DiskStorage(join(spool(''), 'results'));
    expect(start).toThrow(StorageUnavailable);
    expect(start).toThrow('Report files cannot be stored: a part of the path is not a folder (ENOTDIR)');
  });
});

import { Logger } from '@nestjs/common';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../../../test/support/folder.js';
import { Metrics } from '../../platform/observability/metrics.js';
import type { FreeSpace } from '../../platform/config/values.js';
import { type DiskSpace, FreeDisk, diskSpace, floorBytes, growingFolders } from './free-disk.js';

const GB = 1024 ** 3;
Logger.overrideLogger(false);

/** Two disks of 100 GB whose free space the test sets; null for a folder that cannot be read. */
function disks(setting?: FreeSpace | null) {
  const free: Record<string, number | null> = { files: 50 * GB, postgres: 50 * GB };
  const metrics = new Metrics();
  const probe = async (folder: string): Promise<DiskSpace> => {
    const freeBytes = free[folder];
    if (freeBytes === null || freeBytes === undefined) throw new Error('no such folder');
    return { freeBytes, totalBytes: 100 * GB };
  };
  return { free, metrics, disk: new FreeDisk(['files', 'postgres'], setting, metrics, probe) };
}

describe('floorBytes', () => {
  it.each<[string, FreeSpace | null | undefined, number, number]>([
    ['1 GB by default', undefined, 100 * GB, GB],
    ['5% of a small disk by default', undefined, 10 * GB, GB / 2],
    ['an amount', { bytes: 3 * GB }, 2 * GB, 3 * GB],
    ['a share of the disk', { share: 0.1 }, 100 * GB, 10 * GB],
    ['none with off', null, 100 * GB, 0],
  ])('is %s', (_, setting, totalBytes, floor) => {
    expect(floorBytes(setting, totalBytes)).toBeCloseTo(floor, 0);
  });
});

describe('growingFolders', () => {
  it('includes the embedded Postgres only without a DATABASE_URL', () => {
    expect(growingFolders({ DATA_DIR: '/d', DATABASE_URL: undefined })).toEqual([
      '/d/files/results',
      '/d/files/spool',
      '/d/postgres',
    ]);
    expect(growingFolders({ DATA_DIR: '/d', DATABASE_URL: 'postgres://x' })).not.toContain('/d/postgres');
  });
});

describe('FreeDisk', () => {
  it.each(['files', 'postgres'])(
    'refuses requests while the disk of %s is below the floor, and counts them',
    async (folder) => {
      const { free, disk, metrics } = disks();
      await disk.sample();
      expect(() => disk.check()).not.toThrow();
      free[folder] = GB - 1;
      await disk.sample();
      expect(disk.isLow).toBe(true);
      expect(() => disk.check()).toThrow('too little free disk space (MIN_FREE_DISK). Nothing was accepted.');
      expect((await metrics.shed.get()).values).toEqual([
        expect.objectContaining({ labels: { reason: 'disk' }, value: 1 }),
      ]);
      expect(await metrics.registry.metrics()).toMatch(new RegExp(`^daybook_disk_free_bytes ${GB - 1}$`, 'm'));
      free[folder] = GB;
      await disk.sample();
      expect(() => disk.check()).not.toThrow();
    },
  );

  it('logs each change once', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const { free, disk } = disks({ bytes: 2 * GB });
    free.files = GB;
    for (let times = 0; times < 3; times++) await disk.sample();
    expect(error.mock.calls).toEqual([
      ['The disk of files has 1024 MB free, less than MIN_FREE_DISK (2048 MB): nothing is accepted, and reports wait'],
    ]);
    free.files = 3 * GB;
    for (let times = 0; times < 3; times++) await disk.sample();
    expect(warn.mock.calls).toEqual([['The disk has enough free space again; requests are accepted']]);
    jest.restoreAllMocks();
  });

  it('refuses nothing because of a folder that cannot be read, nor with off', async () => {
    const unknown = disks();
    unknown.free.files = null;
    await unknown.disk.sample();
    expect(unknown.disk.isLow).toBe(false);
    const off = disks(null);
    off.free.files = 0;
    await off.disk.sample();
    expect(off.disk.isLow).toBe(false);
  });

  it('looks again by itself', async () => {
    const { free, disk } = disks();
    free.files = 0;
    await disk.onModuleInit();
    expect(disk.isLow).toBe(true);
    free.files = 50 * GB;
    for (let times = 0; disk.isLow && times < 100; times++) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(disk.isLow).toBe(false);
    disk.beforeApplicationShutdown();
  });

  it('reads real disks', async () => {
    const { freeBytes, totalBytes } = await diskSpace(await temporaryFolder());
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });
});

import { join } from 'node:path';
import type { Config } from '../../platform/config/config.js';
import { DiskStorage } from './disk.storage.js';
import type { ObjectStorage } from './object-storage.js';

/** The folder of the report files. */
export const resultsFolder = ({ DATA_DIR }: Pick<Config, 'DATA_DIR'>): string => join(DATA_DIR, 'files/results');

/** @throws StorageUnavailable when the folder cannot be created. */
export const openDisk = (config: Pick<Config, 'DATA_DIR'>): DiskStorage => new DiskStorage(resultsFolder(config));

/**
 * Opens the storage of the settings. The SDK of S3 takes memory and time to load, and is loaded only for a bucket.
 * @throws StartError when the bucket refuses, StorageUnavailable when the folder cannot be created.
 */
export async function openStorage(config: Config): Promise<ObjectStorage> {
  const disk = openDisk(config);
  if (config.S3_BUCKET === undefined) return disk;
  const { openBucket } = await import('./s3/open-bucket.js');
  const { TwoStorages } = await import('./move/two-storages.js');
  return new TwoStorages(disk, await openBucket(config), config.STORAGE);
}

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../platform/config/config.js';
import { ResultFiles } from '../requests/result-files.js';
import { Metrics } from '../platform/observability/metrics.js';
import { privateFolder } from '../platform/private-folder.js';
import { FreeDisk, growingFolders } from './storage/free-disk.js';
import { ObjectStorage } from './storage/object-storage.js';
import { openStorage } from './storage/open-storage.js';
import { ResultStore } from './storage/packs/result-store.js';
import { Spool } from './storage/packs/spool.js';
import { ReportPool } from './generation/report-pool.js';
import { REPORT_POOLS, type ReportPools, ReportsService } from './reports.service.js';

/** Async reports that may wait for a thread: more than the lanes that one worker runs at once. */
const ASYNC_MAX_QUEUE = 1_000;

type PoolSettings = Pick<Config, 'DATABASE_REPLICA_URL' | 'REPORT_THREADS' | 'REPORT_TIMEOUT' | 'SYNC_MAX_PENDING'>;

function reportPools(config: PoolSettings, { options }: DataSource): ReportPools {
  const threads = config.REPORT_THREADS ?? availableParallelism();
  const timeoutMs = config.REPORT_TIMEOUT;
  const syncThreads = Math.min(threads, config.SYNC_MAX_PENDING);
  // Of the data source, because the embedded database has no setting.
  const { url } = options as { url: string };
  const reading = { url, replicaUrl: config.DATABASE_REPLICA_URL, timeoutMs };
  return {
    sync: new ReportPool({ reading, timeoutMs, threads: syncThreads, maxQueue: config.SYNC_MAX_PENDING - syncThreads }),
    async: new ReportPool({ reading, timeoutMs, threads, maxQueue: ASYNC_MAX_QUEUE }),
  };
}

/** Global, because the request log deletes files through a port of its own and does not import reports. */
@Global()
@Module({
  providers: [
    // Next to each other on one file system, so that storing a spooled file is a rename.
    {
      provide: Spool,
      inject: [CONFIG],
      useFactory: (config: Config) => {
        const spool = new Spool(join(config.DATA_DIR, 'files/spool'));
        // The parent of spool and results may be wider from an earlier version.
        privateFolder(join(config.DATA_DIR, 'files'));
        return spool;
      },
    },
    { provide: ObjectStorage, inject: [CONFIG], useFactory: openStorage },
    {
      provide: FreeDisk,
      inject: [CONFIG, Metrics],
      useFactory: (config: Config, metrics: Metrics) =>
        new FreeDisk(growingFolders(config), config.MIN_FREE_DISK, metrics),
    },
    ResultStore,
    { provide: ResultFiles, useExisting: ResultStore },
  ],
  exports: [FreeDisk, ObjectStorage, Spool, ResultStore, ResultFiles],
})
export class StorageModule {}

/** Generates reports. Its controllers are in `ReportsApiModule`. */
@Module({
  imports: [StorageModule],
  providers: [ReportsService, { provide: REPORT_POOLS, inject: [CONFIG, DataSource], useFactory: reportPools }],
  exports: [ReportsService],
})
export class ReportsModule {}

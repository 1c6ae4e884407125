import { availableParallelism } from 'node:os';
import { Global, Module } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { ResultFiles } from '../requests/result-files.js';
import { DiskFileStore } from './storage/disk-file-store.js';
import { FileStore } from './storage/file-store.js';
import { ReportPool } from './generation/report-pool.js';
import { REPORT_POOLS, type ReportPools, ReportsService } from './reports.service.js';

/** Async reports that may wait for a thread: more than the lanes that one worker serves at once. */
const ASYNC_MAX_QUEUE = 1_000;

function reportPools(config: Pick<Config, 'REPORT_THREADS' | 'REPORT_TIMEOUT' | 'SYNC_MAX_PENDING'>): ReportPools {
  const threads = config.REPORT_THREADS ?? availableParallelism();
  const timeoutMs = config.REPORT_TIMEOUT;
  const syncThreads = Math.min(threads, config.SYNC_MAX_PENDING);
  return {
    sync: new ReportPool({ timeoutMs, threads: syncThreads, maxQueue: config.SYNC_MAX_PENDING - syncThreads }),
    async: new ReportPool({ timeoutMs, threads, maxQueue: ASYNC_MAX_QUEUE }),
  };
}

/** Global, because the request log, which knows nothing of reports, deletes files through its own port. */
@Global()
@Module({
  providers: [
    { provide: FileStore, inject: [CONFIG], useFactory: (config: Config) => new DiskFileStore(config.DATA_DIR) },
    { provide: ResultFiles, useExisting: FileStore },
  ],
  exports: [FileStore, ResultFiles],
})
export class FileStoreModule {}

/** Making reports; what answers HTTP is `ReportsApiModule`. */
@Module({
  imports: [FileStoreModule],
  providers: [ReportsService, { provide: REPORT_POOLS, inject: [CONFIG], useFactory: reportPools }],
  exports: [ReportsService],
})
export class ReportsModule {}

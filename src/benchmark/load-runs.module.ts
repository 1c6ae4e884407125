import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OpenedReceivers } from '../callbacks/url-guard/opened-receivers.js';
import { BenchmarkRun } from './benchmark-run.entity.js';
import { BenchmarkRunRepository } from './benchmark-run.repository.js';
import { LoadRuns } from './load-runs.js';

/** The exemptions of the load test in progress, for every process: the API limits rates, the workers send callbacks. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([BenchmarkRun])],
  providers: [BenchmarkRunRepository, LoadRuns, { provide: OpenedReceivers, useExisting: LoadRuns }],
  exports: [BenchmarkRunRepository, LoadRuns, OpenedReceivers],
})
export class LoadRunsModule {}

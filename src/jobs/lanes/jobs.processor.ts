import { OnQueueError, Process, Processor } from '@nestjs/bull';
import { Logger } from '@nestjs/common';
import { logOnce } from '../../platform/observability/log-once.js';
import { JobsRunner } from './jobs.runner.js';

/**
 * Wakes the runner. Concurrency is pinned to 1: Bull's concurrency is per process and per named processor and would add
 * up; how much is done at once is the runner's to say, and its order is the lane lease's.
 */
@Processor('jobs')
export class JobsProcessor {
  private readonly onError = logOnce(new Logger(JobsProcessor.name), 'Redis is away; the sweeper finds the work');

  constructor(private readonly runner: JobsRunner) {}

  @Process({ concurrency: 1 })
  async wake(): Promise<void> {
    await this.runner.run();
  }

  @OnQueueError()
  redisFailed(error: Error): void {
    this.onError(error);
  }
}

import { OnQueueError, Process, Processor } from '@nestjs/bull';
import { Logger } from '@nestjs/common';
import { logOnce } from '../../platform/observability/log-once.js';
import { JobsRunner } from './jobs.runner.js';

/**
 * Runs lanes at each wake-up. Concurrency is 1, because Bull's concurrency adds up over processes and named processors; the
 * runner limits how many lanes run at once, and the leases keep their order.
 */
@Processor('jobs')
export class JobsProcessor {
  private readonly onError = logOnce(
    new Logger(JobsProcessor.name),
    'Redis is unavailable; the sweeper finds the work meanwhile',
  );

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

import { OnQueueError, Process } from '@nestjs/bull';
import { Logger } from '@nestjs/common';
import { logOnce } from '../platform/observability/log-once.js';

/**
 * Runs the work of a Bull queue at each wake-up. Concurrency is 1, because Bull's concurrency adds up over processes and named
 * processors; the work itself limits how much of it is in progress.
 */
export abstract class WakeProcessor {
  protected abstract readonly work: { run(): Promise<void> };

  private readonly onError = logOnce(
    new Logger(this.constructor.name),
    'Redis is unavailable; the sweeper finds the work meanwhile',
  );

  @Process({ concurrency: 1 })
  async wake(): Promise<void> {
    await this.work.run();
  }

  @OnQueueError()
  redisFailed(error: Error): void {
    this.onError(error);
  }
}

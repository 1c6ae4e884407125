import { OnQueueError, Process, Processor } from '@nestjs/bull';
import { Logger } from '@nestjs/common';
import { logOnce } from '../../platform/observability/log-once.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';

/** Wakes the dispatcher. Concurrency is pinned to 1; the dispatcher itself says how many callbacks are under way. */
@Processor('callbacks')
export class CallbacksProcessor {
  private readonly onError = logOnce(new Logger(CallbacksProcessor.name), 'Redis is away; the sweeper finds the work');

  constructor(private readonly dispatcher: CallbacksDispatcher) {}

  @Process({ concurrency: 1 })
  async wake(): Promise<void> {
    await this.dispatcher.run();
  }

  @OnQueueError()
  redisFailed(error: Error): void {
    this.onError(error);
  }
}

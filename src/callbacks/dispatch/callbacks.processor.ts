import { OnQueueError, Process, Processor } from '@nestjs/bull';
import { Logger } from '@nestjs/common';
import { logOnce } from '../../platform/observability/log-once.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';

/** Wakes the dispatcher. Its concurrency is 1: the dispatcher itself limits the callbacks in flight. */
@Processor('callbacks')
export class CallbacksProcessor {
  private readonly onError = logOnce(
    new Logger(CallbacksProcessor.name),
    'Redis is unavailable; the sweeper finds the work meanwhile',
  );

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

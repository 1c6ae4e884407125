import { OnQueueError, Process, Processor } from '@nestjs/bull';
import { Logger } from '@nestjs/common';
import { logOnce } from '../../platform/observability/log-once.js';
import { MailDispatcher } from './mail.dispatcher.js';

/** Wakes the dispatcher. Its concurrency is 1: the dispatcher itself limits the messages in flight. */
@Processor('mail')
export class MailProcessor {
  private readonly onError = logOnce(
    new Logger(MailProcessor.name),
    'Redis is unavailable; the sweeper finds the work meanwhile',
  );

  constructor(private readonly dispatcher: MailDispatcher) {}

  @Process({ concurrency: 1 })
  async wake(): Promise<void> {
    await this.dispatcher.run();
  }

  @OnQueueError()
  redisFailed(error: Error): void {
    this.onError(error);
  }
}

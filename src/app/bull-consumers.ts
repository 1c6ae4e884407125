import { BullModule, getQueueToken } from '@nestjs/bull';
import type { DynamicModule, Provider } from '@nestjs/common';
import type { Queue } from 'bull';
import { CallbacksProcessor } from '../callbacks/dispatch/callbacks.processor.js';
import { JobsProcessor } from '../jobs/lanes/jobs.processor.js';
import { MailProcessor } from '../mail/sending/mail.processor.js';
import { bullOptions, closeQuietly } from '../queue/bull-options.js';
import { QueueConsumers, TOPICS } from '../queue/work-queue.js';

/** Returns the modules and providers of a worker that consumes wake-ups through Bull on Redis. */
export function bullConsumers(redisUrl: string): { imports: DynamicModule[]; providers: Provider[] } {
  const closing: Provider = {
    provide: QueueConsumers,
    inject: TOPICS.map((topic) => getQueueToken(topic)),
    useFactory: (...queues: Queue[]): QueueConsumers => ({
      close: async () => {
        await Promise.all(queues.map(closeQuietly));
      },
    }),
  };
  return {
    imports: TOPICS.map((name) => BullModule.registerQueue({ name, ...bullOptions(redisUrl, 'consumer') })),
    providers: [JobsProcessor, CallbacksProcessor, MailProcessor, closing],
  };
}

import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { InProcessQueue } from './in-process-queue.js';
import { WorkQueue } from './work-queue.js';

/** The wake-up port with the driver that the settings ask for: Bull when there is Redis, else in-process. */
@Module({})
export class QueueModule {
  static register({ REDIS_URL }: Config): DynamicModule {
    // Bull is loaded only where it is used: it is a tenth of what a start takes.
    const useFactory = async (): Promise<WorkQueue> =>
      REDIS_URL ? new (await import('./bull-queue.js')).BullQueue(REDIS_URL) : new InProcessQueue();
    return {
      module: QueueModule,
      global: true,
      providers: [{ provide: WorkQueue, useFactory }],
      exports: [WorkQueue],
    };
  }
}

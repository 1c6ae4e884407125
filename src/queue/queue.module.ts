import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { InProcessQueue } from './in-process-queue.js';
import { WorkQueue } from './work-queue.js';

/** Provides the wake-up port: Bull when `REDIS_URL` is set, else the in-process driver. */
@Module({})
export class QueueModule {
  static register({ REDIS_URL }: Config): DynamicModule {
    // Bull takes a tenth of the start, so it is imported only where it is used.
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

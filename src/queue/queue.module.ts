import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../config.js';
import { BullQueue } from './bull-queue.js';
import { InProcessQueue } from './in-process-queue.js';
import { WorkQueue } from './work-queue.js';

/** The wake-up port with the driver that the settings ask for: Bull when there is Redis, else in-process. */
@Module({})
export class QueueModule {
  static register({ REDIS_URL }: Config): DynamicModule {
    const useFactory = (): WorkQueue => (REDIS_URL ? new BullQueue(REDIS_URL) : new InProcessQueue());
    return {
      module: QueueModule,
      global: true,
      providers: [{ provide: WorkQueue, useFactory }],
      exports: [WorkQueue],
    };
  }
}

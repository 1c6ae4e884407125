import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Config } from '../platform/config/config.js';
import { InProcessQueue } from './in-process-queue.js';
import { QueuePause } from './pauses/queue-pause.entity.js';
import { QueuePausesRepository } from './pauses/queue-pauses.repository.js';
import { QueuePauses } from './pauses/queue-pauses.service.js';
import { WorkQueue } from './work-queue.js';

/** Provides the wake-up port: Bull when `REDIS_URL` is set, else the in-process driver; and the pauses of queues. */
@Module({})
export class QueueModule {
  static register({ REDIS_URL }: Config): DynamicModule {
    // Bull takes a tenth of the start, so it is imported only where it is used.
    const useFactory = async (): Promise<WorkQueue> =>
      REDIS_URL ? new (await import('./bull-queue.js')).BullQueue(REDIS_URL) : new InProcessQueue();
    return {
      module: QueueModule,
      global: true,
      imports: [TypeOrmModule.forFeature([QueuePause])],
      providers: [{ provide: WorkQueue, useFactory }, QueuePausesRepository, QueuePauses],
      exports: [WorkQueue, QueuePauses],
    };
  }
}

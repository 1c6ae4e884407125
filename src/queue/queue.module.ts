import { type DynamicModule, type FactoryProvider, Logger, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG, type Config } from '../platform/config/config.js';
import { InProcessQueue } from './in-process-queue.js';
import { QueuePause } from './pauses/queue-pause.entity.js';
import { PauseWatch } from './pauses/pause-watch.js';
import { QueuePausesRepository } from './pauses/queue-pauses.repository.js';
import { QueuePauses } from './pauses/queue-pauses.service.js';
import { WorkQueue } from './work-queue.js';

/** Pauses the queues of `HOLD` before anything of this process can claim work of them. */
const PAUSES: FactoryProvider<QueuePauses> = {
  provide: QueuePauses,
  inject: [QueuePausesRepository, WorkQueue, CONFIG],
  useFactory: async (repository: QueuePausesRepository, queue: WorkQueue, { HOLD }: Pick<Config, 'HOLD'>) => {
    const pauses = new QueuePauses(repository, queue);
    for (const name of HOLD) await pauses.pause(name);
    if (HOLD.length > 0) new Logger(QueuePauses.name).log(`HOLD pauses ${HOLD.join(', ')}`);
    return pauses;
  },
};

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
      providers: [{ provide: WorkQueue, useFactory }, QueuePausesRepository, PAUSES, PauseWatch],
      exports: [WorkQueue, QueuePauses, PauseWatch],
    };
  }
}

import { BullModule, getQueueToken } from '@nestjs/bull';
import { type DynamicModule, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Queue } from 'bull';
import { CallbacksDispatcher } from './callbacks/callbacks.dispatcher.js';
import { CallbacksProcessor } from './callbacks/callbacks.processor.js';
import { CallbacksWorkerModule } from './callbacks/callbacks-worker.module.js';
import type { Config } from './config.js';
import { HealthModule } from './health/health.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { JobsProcessor } from './jobs/jobs.processor.js';
import { JobsRunner } from './jobs/jobs.runner.js';
import { Sweeper } from './jobs/sweeper.js';
import { bullOptions, closeQuietly } from './queue/bull-options.js';
import { InProcessQueue } from './queue/in-process-queue.js';
import { TOPICS, WorkQueue } from './queue/work-queue.js';
import { RequestsModule } from './requests/requests.module.js';

/** Everything that consumes queues. */
@Module({})
export class WorkerModule implements OnApplicationBootstrap {
  static register({ REDIS_URL }: Config): DynamicModule {
    const consumers = REDIS_URL
      ? TOPICS.map((name) => BullModule.registerQueue({ name, ...bullOptions(REDIS_URL, 'consumer') }))
      : [];
    return {
      module: WorkerModule,
      imports: [JobsModule, RequestsModule, CallbacksWorkerModule, HealthModule, ...consumers],
      // Without Redis there is nothing that the processors' decorators could be bound to.
      providers: [JobsRunner, Sweeper, ...(REDIS_URL ? [JobsProcessor, CallbacksProcessor] : [])],
    };
  }

  constructor(
    private readonly runner: JobsRunner,
    private readonly dispatcher: CallbacksDispatcher,
    private readonly sweeper: Sweeper,
    private readonly queue: WorkQueue,
    private readonly moduleRef: ModuleRef,
  ) {}

  onApplicationBootstrap(): void {
    if (this.queue instanceof InProcessQueue) {
      this.queue.consume('jobs', () => this.runner.run());
      this.queue.consume('callbacks', () => this.dispatcher.run());
    }
    this.sweeper.start();
  }

  /** Work in hand is finished and what was taken ahead is given back, while the database is still there. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.sweeper.stop(), this.runner.stop(), this.dispatcher.stop()]);
    if (this.queue instanceof InProcessQueue) return;
    // Here and not by Nest, which would wait for a Redis that is away.
    const consumers = TOPICS.map((name) => this.moduleRef.get<Queue>(getQueueToken(name), { strict: false }));
    await Promise.all(consumers.map(closeQuietly));
  }
}

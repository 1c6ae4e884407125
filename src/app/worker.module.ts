import { type DynamicModule, Module, type OnApplicationBootstrap, Optional } from '@nestjs/common';
import { ImportsModule } from '../books/import/imports.module.js';
import { JournalModule } from '../books/journal/journal.module.js';
import { MailWorkerModule } from '../mail/mail-worker.module.js';
import { MailDispatcher } from '../mail/sending/mail.dispatcher.js';
import { CallbacksDispatcher } from '../callbacks/dispatch/callbacks.dispatcher.js';
import { CallbacksWorkerModule } from '../callbacks/callbacks-worker.module.js';
import type { Config } from '../platform/config/config.js';
import { OperationsModule } from '../operations/operations.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { JobsRunner } from '../jobs/lanes/jobs.runner.js';
import { JobsSweep } from '../jobs/lanes/jobs.sweep.js';
import { Heartbeat } from '../jobs/workers/heartbeat.js';
import { Sweeper } from '../platform/concurrency/sweeper.js';
import { InProcessQueue } from '../queue/in-process-queue.js';
import { PauseWatch } from '../queue/pauses/pause-watch.js';
import { QueueConsumers, WorkQueue } from '../queue/work-queue.js';
import { RequestsModule } from '../requests/requests.module.js';
import { DueSchedules } from '../schedules/due/due-schedules.js';
import { SchedulesWorkerModule } from '../schedules/schedules-worker.module.js';
import { TicketsWorkerModule } from '../tickets/tickets-worker.module.js';

/** Everything that consumes queues. */
@Module({})
export class WorkerModule implements OnApplicationBootstrap {
  static async register({ REDIS_URL }: Config): Promise<DynamicModule> {
    // Loaded only where there is something that the processors' decorators could be bound to.
    const bull = REDIS_URL ? (await import('./bull-consumers.js')).bullConsumers(REDIS_URL) : null;
    return {
      module: WorkerModule,
      imports: [
        JobsModule,
        RequestsModule,
        CallbacksWorkerModule,
        MailWorkerModule,
        JournalModule,
        ImportsModule,
        TicketsWorkerModule,
        SchedulesWorkerModule,
        OperationsModule,
        ...(bull?.imports ?? []),
      ],
      providers: [JobsRunner, JobsSweep, ...(bull?.providers ?? [])],
    };
  }

  constructor(
    private readonly runner: JobsRunner,
    private readonly dispatcher: CallbacksDispatcher,
    private readonly mail: MailDispatcher,
    private readonly schedules: DueSchedules,
    private readonly sweeper: Sweeper,
    private readonly heartbeat: Heartbeat,
    private readonly queue: WorkQueue,
    private readonly pauses: PauseWatch,
    @Optional() private readonly consumers?: QueueConsumers,
  ) {}

  onApplicationBootstrap(): void {
    if (this.queue instanceof InProcessQueue) {
      this.queue.consume('jobs', () => this.runner.run());
      this.queue.consume('callbacks', () => this.dispatcher.run());
      this.queue.consume('mail', () => this.mail.run());
    }
    this.pauses.start();
    this.sweeper.start();
  }

  /** Work in hand is finished and what was taken ahead is given back, while the database is still there. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([
      this.stopSweeping(),
      this.pauses.stop(),
      this.runner.stop(),
      this.dispatcher.stop(),
      this.mail.stop(),
      this.schedules.stop(),
    ]);
    await this.consumers?.close();
  }

  private async stopSweeping(): Promise<void> {
    await this.sweeper.stop();
    await this.heartbeat.signOff().catch(() => undefined);
  }
}

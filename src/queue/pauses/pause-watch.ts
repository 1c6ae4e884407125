import { Inject, Injectable, Logger } from '@nestjs/common';
import { logOnce } from '../../platform/observability/log-once.js';
import { WorkQueue } from '../work-queue.js';
import { type QueueName, TOPIC_OF } from './queue-name.js';
import { QueuePausesRepository } from './queue-pauses.repository.js';

/** Interval at which a worker reads the pauses. Time slices that run at a pause end within it. */
const WATCH_EVERY_MS = 1_000;

/**
 * The pauses as this worker last read them. Claims ask Postgres themselves ({@link notPaused}); this ends the time slices that
 * run when a queue is paused, and wakes this worker when any process resumes it.
 */
@Injectable()
export class PauseWatch {
  private readonly logger = new Logger(PauseWatch.name);
  private readonly onFailure = logOnce(this.logger, 'Paused queues were not read; the last known pauses apply');
  private known: ReadonlySet<QueueName> = new Set();
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> | null = null;

  constructor(
    @Inject(QueuePausesRepository) private readonly repository: Pick<QueuePausesRepository, 'findAll'>,
    @Inject(WorkQueue) private readonly workQueue: Pick<WorkQueue, 'wake'>,
  ) {}

  /** Begins to read the pauses every second. It does not keep the process alive. */
  start(): void {
    this.timer ??= setInterval(() => void this.read(), WATCH_EVERY_MS).unref();
  }

  /** Reads no more pauses; resolves when the read in progress has ended. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.reading;
  }

  /** Whether a queue was paused at the last read. */
  isPaused(queue: QueueName): boolean {
    return this.known.has(queue);
  }

  /**
   * Whether work of a queue may be claimed. Reads the pauses again if the queue was paused at the last read: a worker that
   * does not know of a resume would release the work that it claims at once, and claim it again.
   */
  async mayClaim(queue: QueueName): Promise<boolean> {
    if (!this.isPaused(queue)) return true;
    // A read in progress may have begun before the resume.
    await this.reading;
    await this.read();
    return !this.isPaused(queue);
  }

  private read(): Promise<void> {
    this.reading ??= this.readNow()
      .catch((error: unknown) => this.onFailure(error instanceof Error ? error : new Error(String(error))))
      .finally(() => (this.reading = null));
    return this.reading;
  }

  private async readNow(): Promise<void> {
    const before = this.known;
    const paused = new Set((await this.repository.findAll()).map(({ queue }) => queue));
    this.known = paused;
    for (const queue of paused) if (!before.has(queue)) this.logger.log(`The queue ${queue} is paused`);
    for (const queue of before) {
      if (paused.has(queue)) continue;
      this.logger.log(`The queue ${queue} is resumed`);
      this.workQueue.wake(TOPIC_OF[queue]);
    }
  }
}

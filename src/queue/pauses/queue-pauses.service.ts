import { Inject, Injectable } from '@nestjs/common';
import { WorkQueue } from '../work-queue.js';
import { type QueueName, TOPIC_OF } from './queue-name.js';
import { QueuePausesRepository } from './queue-pauses.repository.js';

/**
 * Pauses whole queues, in every process. A paused queue still accepts work. Its workers finish the work in hand and start
 * nothing new until it is resumed; nothing is lost and no attempt is used up.
 */
@Injectable()
export class QueuePauses {
  constructor(
    private readonly repository: QueuePausesRepository,
    @Inject(WorkQueue) private readonly workQueue: Pick<WorkQueue, 'wake'>,
  ) {}

  /** @returns The paused queues, and the time since when each has been paused. */
  async paused(): Promise<ReadonlyMap<QueueName, Date>> {
    const rows = await this.repository.findAll();
    return new Map(rows.map(({ queue, pausedAt }) => [queue, pausedAt]));
  }

  /**
   * Pauses a queue. One that is paused already keeps the time of its pause.
   * @returns False when the queue was paused already.
   */
  pause(queue: QueueName): Promise<boolean> {
    return this.repository.add(queue);
  }

  /**
   * Resumes a queue and wakes its workers.
   * @returns False when the queue was not paused.
   */
  async resume(queue: QueueName): Promise<boolean> {
    const wasPaused = await this.repository.remove(queue);
    this.workQueue.wake(TOPIC_OF[queue]);
    return wasPaused;
  }
}

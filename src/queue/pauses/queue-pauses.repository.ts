import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { QueueName } from './queue-name.js';
import { QueuePause } from './queue-pause.entity.js';

/** The paused queues: one row each, at most three. */
@Injectable()
export class QueuePausesRepository {
  constructor(@InjectRepository(QueuePause) private readonly pauses: Repository<QueuePause>) {}

  findAll(): Promise<QueuePause[]> {
    return this.pauses.find();
  }

  /** Pauses queues. One that is paused already keeps its time. */
  async add(queues: readonly QueueName[]): Promise<void> {
    const rows = queues.map((queue) => ({ queue }));
    await this.pauses.createQueryBuilder().insert().values(rows).orIgnore().updateEntity(false).execute();
  }

  /** @returns False when the queue was not paused. */
  async remove(queue: QueueName): Promise<boolean> {
    return ((await this.pauses.delete({ queue })).affected ?? 0) > 0;
  }
}

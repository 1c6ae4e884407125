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

  /** @returns False when the queue was paused already. It then keeps its time. */
  async add(queue: QueueName): Promise<boolean> {
    const insert = this.pauses.createQueryBuilder().insert().values({ queue }).orIgnore().returning('queue');
    const { raw } = (await insert.updateEntity(false).execute()) as { raw: object[] };
    return raw.length > 0;
  }

  /** @returns False when the queue was not paused. */
  async remove(queue: QueueName): Promise<boolean> {
    return ((await this.pauses.delete({ queue })).affected ?? 0) > 0;
  }
}

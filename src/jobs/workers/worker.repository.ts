import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Like, Raw, type Repository } from 'typeorm';
import { WORKER_HOST_PREFIX, WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { Worker } from './worker.entity.js';

/** A worker without a heartbeat for this long is not counted as alive. */
const ALIVE_S = 15;
/** The row of a worker that did not sign off is deleted after this long. */
const RETENTION_S = 86_400;

/** Heartbeats of workers, by the database's clock. */
@Injectable()
export class WorkerRepository {
  constructor(@InjectRepository(Worker) private readonly workers: Repository<Worker>) {}

  /** Writes this worker's heartbeat. */
  async beat(): Promise<void> {
    await this.workers.upsert({ id: WORKER_ID, seenAt: () => 'now()' }, ['id']);
  }

  async deleteOld(): Promise<void> {
    await this.workers.delete({ seenAt: Raw((seenAt) => `${seenAt} < now() - ${RETENTION_S} * interval '1 second'`) });
  }

  /** Returns the ids of the workers on this host that have not signed off. */
  async findOnThisHost(): Promise<string[]> {
    const rows = await this.workers.find({ select: { id: true }, where: { id: Like(`${WORKER_HOST_PREFIX}%`) } });
    return rows.map(({ id }) => id);
  }

  async remove(ids: string[]): Promise<void> {
    await this.workers.delete({ id: In(ids) });
  }

  /** Returns the ids of the live workers. */
  async findAlive(): Promise<string[]> {
    const seenAt = Raw((column) => `${column} > now() - ${ALIVE_S} * interval '1 second'`);
    const rows = await this.workers.find({ select: { id: true }, where: { seenAt } });
    return rows.map(({ id }) => id);
  }
}

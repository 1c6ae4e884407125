import { Injectable } from '@nestjs/common';
import { WORKER_ID, hasExited } from '../../platform/concurrency/worker-id.js';
import { WorkerLeasesStore } from './worker-leases.store.js';
import { WorkerRepository } from './worker.repository.js';

/** Tracks which workers are alive: each writes a heartbeat in every sweep. */
@Injectable()
export class Heartbeat {
  constructor(
    private readonly workers: WorkerRepository,
    private readonly leases: WorkerLeasesStore,
  ) {}

  /** Records that the worker in this process is alive, and removes the workers on this host that exited without signing off. */
  async beat(): Promise<void> {
    await this.workers.beat();
    await this.workers.deleteOld();
    const exited = (await this.workers.findOnThisHost()).filter((workerId) => hasExited(workerId));
    if (exited.length > 0) await this.workers.remove(exited);
  }

  /** Removes the worker in this process, which is about to exit. */
  signOff(): Promise<void> {
    return this.workers.remove([WORKER_ID]);
  }

  /** Returns the numbers of live workers and of those that run a lane or a sync request now. @throws DatabaseUnavailable */
  async count(): Promise<{ alive: number; busy: number }> {
    const [alive, leasing] = await Promise.all([this.workers.findAlive(), this.leases.findAll()]);
    return { alive: alive.length, busy: alive.filter((workerId) => leasing.has(workerId)).length };
  }
}

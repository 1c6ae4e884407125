import { Injectable } from '@nestjs/common';
import { WORKER_ID, hasExited } from '../../platform/concurrency/worker-id.js';
import { WorkerStore } from './worker.store.js';

/** Which workers are alive: each writes its heartbeat every sweep. */
@Injectable()
export class Heartbeat {
  constructor(private readonly workers: WorkerStore) {}

  /** Records that the worker in this process is alive, and removes those on this host that exited without signing off. */
  async beat(): Promise<void> {
    await this.workers.beat();
    const exited = (await this.workers.onThisHost()).filter((workerId) => hasExited(workerId));
    if (exited.length > 0) await this.workers.remove(exited);
  }

  /** The worker in this process is about to exit. */
  signOff(): Promise<void> {
    return this.workers.remove([WORKER_ID]);
  }

  /** How many workers are alive. @throws DatabaseUnavailable */
  countAlive(): Promise<number> {
    return this.workers.countAlive();
  }
}

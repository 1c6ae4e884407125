import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Coalescer } from '../platform/concurrency/coalescer.js';
import { type Topic, type WakeHandler, WorkQueue } from './work-queue.js';

/** Wakes the worker in this process. For development, tests and small installations without Redis. */
@Injectable()
export class InProcessQueue extends WorkQueue {
  private readonly logger = new Logger(InProcessQueue.name);
  private readonly consumers = new Map<Topic, Coalescer>();

  /** Sets the one consumer of a topic. It runs once at a time; wake-ups during a run lead to one more run. */
  consume(topic: Topic, handler: WakeHandler): void {
    const run = () =>
      handler().catch((error: unknown) => this.logger.error(`Consumer of ${topic} failed: ${String(error)}`));
    this.consumers.set(topic, new Coalescer(run, () => nextTurn()));
  }

  wake(topic: Topic): void {
    this.consumers.get(topic)?.request();
  }
}

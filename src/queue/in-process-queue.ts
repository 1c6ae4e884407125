import { Injectable, Logger } from '@nestjs/common';
import { type Topic, type WakeHandler, WorkQueue } from './work-queue.js';

/** Wakes the one worker that lives in this process. For development, tests and small installations without Redis. */
@Injectable()
export class InProcessQueue extends WorkQueue {
  private readonly logger = new Logger(InProcessQueue.name);
  private readonly handlers = new Map<Topic, WakeHandler>();
  private readonly running = new Set<Topic>();
  private readonly wokenMeanwhile = new Set<Topic>();

  /** Binds a topic's one consumer. It runs one at a time; wake-ups that come meanwhile make one more run. */
  consume(topic: Topic, handler: WakeHandler): void {
    this.handlers.set(topic, handler);
  }

  wake(topic: Topic): void {
    if (this.running.has(topic)) {
      this.wokenMeanwhile.add(topic);
      return;
    }
    this.running.add(topic);
    setImmediate(() => void this.run(topic));
  }

  private async run(topic: Topic): Promise<void> {
    try {
      await this.handlers.get(topic)?.();
    } catch (error) {
      this.logger.error(`Consumer of ${topic} failed: ${String(error)}`);
    }
    this.running.delete(topic);
    if (this.wokenMeanwhile.delete(topic)) this.wake(topic);
  }
}

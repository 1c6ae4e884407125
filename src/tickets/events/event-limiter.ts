import { Injectable } from '@nestjs/common';
import { EventBusy } from './events.errors.js';

/** Transactions of one event: one has its lock, and the next is ready for it. */
const AT_ONCE = 2;
/** Transactions that wait for one event. */
const MAX_WAITING = 1_000;
/** Time that one waits. */
const WAIT_MS = 30_000;

interface Turns {
  running: number;
  /** The functions that admit those that wait, the oldest first. */
  waiting: Set<() => void>;
}

/**
 * Bounds the database connections that the writers of one event take in this process. They run one after the other anyway,
 * behind the lock of the event, and would wait for it on all connections, of which other callers would get none.
 */
@Injectable()
export class EventLimiter {
  private readonly events = new Map<string, Turns>();

  private readonly limits = { maxWaiting: MAX_WAITING, waitMs: WAIT_MS };

  static with(limits: { maxWaiting: number; waitMs: number }): EventLimiter {
    const limiter = new EventLimiter();
    Object.assign(limiter.limits, limits);
    return limiter;
  }

  /**
   * Runs the transaction of an event, in the order of the calls.
   * @returns what `work` resolved with.
   * @throws EventBusy, and what `work` rejected with
   */
  async run<Result>(eventId: string, work: () => Promise<Result>): Promise<Result> {
    const id = eventId.toLowerCase();
    await this.enter(id);
    try {
      return await work();
    } finally {
      this.leave(id);
    }
  }

  private async enter(id: string): Promise<void> {
    const turns = this.events.get(id) ?? { running: 0, waiting: new Set() };
    this.events.set(id, turns);
    if (turns.running < AT_ONCE) turns.running++;
    else if (turns.waiting.size < this.limits.maxWaiting) await this.wait(turns.waiting);
    else throw new EventBusy();
  }

  private wait(waiting: Turns['waiting']): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(admit);
        reject(new EventBusy());
      }, this.limits.waitMs);
      waiting.add(admit);
    });
  }

  /** Admits the next one, or frees the place. */
  private leave(id: string): void {
    const turns = this.events.get(id)!;
    const [next] = turns.waiting;
    if (next) {
      turns.waiting.delete(next);
      next();
    } else if (--turns.running === 0) {
      this.events.delete(id);
    }
  }
}

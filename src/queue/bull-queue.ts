import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import Bull, { type Queue } from 'bull';
import { withTimeout } from '../platform/concurrency/timeout.js';
import { logOnce } from '../platform/observability/log-once.js';
import { bullOptions, closeQuietly } from './bull-options.js';
import { TOPICS, type Topic, WorkQueue } from './work-queue.js';

/** Longest that one wake-up may be on its way. Bull's own `add` can hang for minutes when Redis is away. */
const WAKE_TIMEOUT_MS = 2_000;
/**
 * The shortest time between two wake-ups of a topic. A worker that was woken finds what comes meanwhile too, and each
 * wake-up costs as much as a tenth of accepting a request.
 */
const WAKE_INTERVAL_MS = 10;
/**
 * As many wake-ups may wait in Redis as there may be idle workers to take them. One that waits is taken later than now
 * and finds this work too; while all workers are busy more of them would only pile up, one for each request.
 */
const MAX_WAITING = 32;

/**
 * Wakes workers through Bull on Redis. Its connections are the producer's own and fail fast; workers consume through
 * `@Processor` on theirs. At most one wake-up a topic is on its way: those that come meanwhile, and for a moment after it,
 * become one more.
 */
@Injectable()
export class BullQueue extends WorkQueue implements OnApplicationShutdown {
  private readonly logger = new Logger(BullQueue.name);
  private readonly queues: Record<Topic, Queue>;
  private readonly sending = new Set<Topic>();
  private readonly wokenMeanwhile = new Set<Topic>();

  constructor(redisUrl: string) {
    super();
    const open = (topic: Topic): Queue => {
      const queue = new Bull(topic, bullOptions(redisUrl, 'producer'));
      queue.on('error', logOnce(this.logger, `Redis is away; work in ${topic} is found by the sweeper meanwhile`));
      return queue;
    };
    this.queues = { jobs: open('jobs'), callbacks: open('callbacks') };
  }

  wake(topic: Topic): void {
    if (this.sending.has(topic)) {
      this.wokenMeanwhile.add(topic);
      return;
    }
    this.sending.add(topic);
    void this.send(topic);
  }

  private async send(topic: Topic): Promise<void> {
    try {
      await withTimeout(addUnlessMany(this.queues[topic]), WAKE_TIMEOUT_MS);
    } catch (error) {
      this.logger.debug(`Wake-up of ${topic} not sent, left to the sweeper: ${String(error)}`);
      this.wokenMeanwhile.delete(topic);
    }
    await sleep(WAKE_INTERVAL_MS, undefined, { ref: false });
    this.sending.delete(topic);
    if (this.wokenMeanwhile.delete(topic)) this.wake(topic);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(TOPICS.map((topic) => closeQuietly(this.queues[topic])));
  }
}

async function addUnlessMany(queue: Queue): Promise<void> {
  // Not getWaitingCount, which is a transaction. In a queue that somebody has paused they wait in another list.
  const [waiting, paused] = await Promise.all([
    queue.client.llen(queue.toKey('wait')),
    queue.client.llen(queue.toKey('paused')),
  ]);
  if (waiting + paused < MAX_WAITING) await queue.add({});
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import Bull, { type Queue } from 'bull';
import { Coalescer } from '../platform/concurrency/coalescer.js';
import { withTimeout } from '../platform/concurrency/timeout.js';
import { logOnce } from '../platform/observability/log-once.js';
import { bullOptions, closeQuietly } from './bull-options.js';
import { type QueueState, TOPICS, type Topic, WorkQueue } from './work-queue.js';

/** Timeout of sending one wake-up. Bull's own `add` can hang for minutes while Redis is down. */
const WAKE_TIMEOUT_MS = 2_000;
/**
 * Minimum time between two wake-ups of a topic. A woken worker also finds work that arrives meanwhile, and a wake-up costs
 * a tenth of accepting a request.
 */
const WAKE_INTERVAL_MS = 10;
/**
 * Wake-ups that wait in Redis at most, enough for all idle workers. Each of them leads a worker to all work that has
 * arrived by then; while all workers are busy, further ones would pile up, one for each request.
 */
const MAX_WAITING = 32;

/**
 * Wakes workers through Bull on Redis. The producer has its own connections, which fail fast; workers consume through
 * `@Processor` on theirs. Wake-ups of a topic are sent one at a time, and those that are requested meanwhile are combined.
 */
@Injectable()
export class BullQueue extends WorkQueue implements OnApplicationShutdown {
  private readonly logger = new Logger(BullQueue.name);
  private readonly queues: Record<Topic, Queue>;
  private readonly senders: Record<Topic, Coalescer>;

  constructor(redisUrl: string) {
    super();
    const open = (topic: Topic): Queue => {
      const queue = new Bull(topic, bullOptions(redisUrl, 'producer'));
      queue.on('error', logOnce(this.logger, `Redis is unavailable; the sweeper finds work of ${topic} meanwhile`));
      return queue;
    };
    this.queues = { jobs: open('jobs'), callbacks: open('callbacks'), mail: open('mail') };
    const sender = (topic: Topic): Coalescer => new Coalescer(() => this.send(topic));
    this.senders = { jobs: sender('jobs'), callbacks: sender('callbacks'), mail: sender('mail') };
  }

  wake(topic: Topic): void {
    this.senders[topic].request();
  }

  override async state(): Promise<QueueState> {
    const info = await this.queues.jobs.client.info('server');
    return { driver: 'redis', version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? null };
  }

  private async send(topic: Topic): Promise<void> {
    try {
      await withTimeout(addUnlessMany(this.queues[topic]), WAKE_TIMEOUT_MS);
    } catch (error) {
      this.logger.debug(`Wake-up of ${topic} was not sent and is left to the sweeper: ${String(error)}`);
    }
    await sleep(WAKE_INTERVAL_MS, undefined, { ref: false });
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(TOPICS.map((topic) => closeQuietly(this.queues[topic])));
  }
}

async function addUnlessMany(queue: Queue): Promise<void> {
  // Bull's getWaitingCount would be a transaction. The jobs of a paused queue wait in a list of their own.
  const [waiting, paused] = await Promise.all([
    queue.client.llen(queue.toKey('wait')),
    queue.client.llen(queue.toKey('paused')),
  ]);
  if (waiting + paused < MAX_WAITING) await queue.add({});
}

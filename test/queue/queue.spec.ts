import { setImmediate as nextTurn } from 'node:timers/promises';
import { BullModule, getQueueToken } from '@nestjs/bull';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Queue } from 'bull';
import { Redis } from 'ioredis';
import { CallbacksDispatcher } from '../../src/callbacks/dispatch/callbacks.dispatcher.js';
import { CallbacksProcessor } from '../../src/callbacks/dispatch/callbacks.processor.js';
import { MailDispatcher } from '../../src/mail/sending/mail.dispatcher.js';
import { MailProcessor } from '../../src/mail/sending/mail.processor.js';
import { JobsProcessor } from '../../src/jobs/lanes/jobs.processor.js';
import { JobsRunner } from '../../src/jobs/lanes/jobs.runner.js';
import { bullOptions, closeQuietly } from '../../src/queue/bull-options.js';
import { BullQueue } from '../../src/queue/bull-queue.js';
import { InProcessQueue } from '../../src/queue/in-process-queue.js';
import { TOPICS, type Topic, type WorkQueue } from '../../src/queue/work-queue.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { redisUrl, startRedis } from '../support/redis.js';

/** A worker that counts its runs and calls a function of the test in each. */
class Worker {
  runs = 0;
  running = 0;
  mostAtOnce = 0;
  during: () => Promise<unknown> = () => Promise.resolve();

  readonly run = async (): Promise<void> => {
    this.runs++;
    this.running++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    try {
      await this.during();
    } finally {
      this.running--;
    }
  };

  /** Keeps the current run, or the next one, waiting until the returned function is called. */
  block(): () => void {
    let unblock = (): void => undefined;
    const unblocked = new Promise<void>((resolve) => (unblock = resolve));
    this.during = () => unblocked;
    return unblock;
  }
}

type Workers = Record<Topic, Worker>;

interface Driver {
  queue: WorkQueue;
  /** Wake-ups that no consumer has taken yet. */
  waiting(topic: Topic): Promise<number>;
  close(): Promise<void>;
}

const logged: string[] = [];
const record = (message: unknown): void => void logged.push(String(message));
const logger = { log: () => undefined, debug: record, warn: record, error: record };
const started: Driver[] = [];

async function closeAll(): Promise<void> {
  for (const driver of started.splice(0)) await driver.close();
}

/** Starts the producer of the API and the consumers of a worker, which are Nest processors on Bull queues. */
async function startBull(url: string, workers: Workers): Promise<Driver> {
  const consumers = await Test.createTestingModule({
    imports: TOPICS.map((name) => BullModule.registerQueue({ name, ...bullOptions(url, 'consumer') })),
    providers: [
      JobsProcessor,
      CallbacksProcessor,
      MailProcessor,
      { provide: JobsRunner, useValue: workers.jobs },
      { provide: CallbacksDispatcher, useValue: workers.callbacks },
      { provide: MailDispatcher, useValue: workers.mail },
    ],
  })
    .setLogger(logger)
    .compile();
  await consumers.init();
  const queue = new BullQueue(url);
  const redis = new Redis(url);
  redis.on('error', () => undefined);
  const driver: Driver = {
    queue,
    waiting: (topic) => redis.llen(`bull:${topic}:wait`),
    close: async () => {
      await Promise.all(TOPICS.map((topic) => closeQuietly(consumers.get<Queue>(getQueueToken(topic)))));
      await consumers.close();
      await queue.onApplicationShutdown();
      redis.disconnect();
    },
  };
  started.push(driver);
  // Wake-ups are dropped until the producer is connected.
  const queues = TOPICS.flatMap((topic) => [queue['queues'][topic], consumers.get<Queue>(getQueueToken(topic))]);
  const clients = (): Redis[] => queues.flatMap((bull) => bull.clients);
  await eventually(() => clients().every(({ status }) => status === 'ready'), { everyMs: 5 });
  return driver;
}

async function startInProcess(workers: Workers): Promise<Driver> {
  const queue = new InProcessQueue();
  for (const topic of TOPICS) queue.consume(topic, workers[topic].run);
  return { queue, waiting: () => Promise.resolve(0), close: () => Promise.resolve() };
}

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  logged.length = 0;
  Logger.overrideLogger(logger);
  process.on('unhandledRejection', onUnhandled);
});

afterEach(async () => {
  await closeAll();
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

afterAll(() => Logger.overrideLogger(['log', 'warn', 'error']));

const newWorkers = (): Workers => ({ jobs: new Worker(), callbacks: new Worker(), mail: new Worker() });

describe.each([
  { name: 'InProcessQueue', start: startInProcess },
  { name: 'BullQueue', start: async (workers: Workers) => startBull(await redisUrl(), workers) },
])('$name', ({ start }) => {
  let workers: Workers;
  let driver: Driver;

  beforeEach(async () => {
    workers = newWorkers();
    driver = await start(workers);
  });

  it.each(TOPICS)('wakes only the worker of %s', async (topic) => {
    driver.queue.wake(topic);
    await eventually(() => workers[topic].runs === 1);
    for (const other of TOPICS) expect(workers[other].runs).toBe(other === topic ? 1 : 0);
  });

  it('returns before the worker runs', () => {
    driver.queue.wake('jobs');
    expect(workers.jobs.runs).toBe(0);
  });

  it('runs the worker again when it was woken during a run', async () => {
    const { jobs } = workers;
    const unblock = jobs.block();
    driver.queue.wake('jobs');
    await eventually(() => jobs.runs === 1);
    driver.queue.wake('jobs');
    unblock();
    await eventually(() => jobs.runs === 2);
  });

  it('never runs the worker twice at once', async () => {
    const { jobs } = workers;
    jobs.during = () => nextTurn().then(() => nextTurn());
    await eventually(
      () => {
        driver.queue.wake('jobs');
        return jobs.runs > 50;
      },
      { everyMs: 1 },
    );
    expect(jobs.mostAtOnce).toBe(1);
  });

  it('runs the worker after the last of 1,000 wake-ups and keeps only a few of them', async () => {
    const { jobs } = workers;
    const unblock = jobs.block();
    driver.queue.wake('jobs');
    await eventually(() => jobs.runs === 1);
    let mostWaiting = 0;
    for (let i = 0; i < 1_000; i++) {
      driver.queue.wake('jobs');
      // Each wake-up arrives in its own tick, so each could be sent separately.
      mostWaiting = Math.max(mostWaiting, await driver.waiting('jobs'));
      await nextTurn();
    }
    unblock();
    await eventually(async () => jobs.runs >= 2 && jobs.running === 0 && (await driver.waiting('jobs')) === 0);
    expect(mostWaiting).toBeLessThan(50);
    expect(jobs.runs).toBeLessThan(50);
  });

  it('runs the worker of one topic while that of the other is busy', async () => {
    const unblock = workers.jobs.block();
    driver.queue.wake('jobs');
    await eventually(() => workers.jobs.runs === 1);
    driver.queue.wake('jobs');
    driver.queue.wake('callbacks');
    await eventually(() => workers.callbacks.runs === 1);
    expect(workers.jobs.runs).toBe(1);
    unblock();
    await eventually(() => workers.jobs.runs === 2);
  });

  it('wakes the worker again after a run that failed', async () => {
    const { jobs } = workers;
    jobs.during = () => Promise.reject(new Error('The database is unavailable'));
    for (const runs of [1, 2, 3]) {
      driver.queue.wake('jobs');
      await eventually(() => jobs.runs === runs && jobs.running === 0);
    }
    jobs.during = () => Promise.resolve();
    driver.queue.wake('jobs');
    await eventually(() => jobs.runs === 4);
  });

  it('ignores a wake-up after it was closed', async () => {
    await closeAll();
    expect(() => TOPICS.forEach((topic) => driver.queue.wake(topic))).not.toThrow();
    await nextTurn();
  });
});

describe('BullQueue', () => {
  it('leaves no job in Redis, whether it succeeded or failed', async () => {
    const url = await redisUrl();
    const workers = newWorkers();
    const driver = await startBull(url, workers);
    workers.callbacks.during = () => Promise.reject(new Error('It fails'));
    for (let runs = 1; runs <= 20; runs++) {
      TOPICS.forEach((topic) => driver.queue.wake(topic));
      await eventually(() => workers.jobs.runs >= runs && workers.callbacks.runs >= runs, { everyMs: 2 });
    }
    const redis = new Redis(url);
    // Bull keeps a counter and a timer, which do not grow with the number of jobs.
    await eventually(async () => {
      const keys = await redis.keys('*');
      expect(keys.filter((key) => !/^bull:(jobs|callbacks|mail):(id|stalled-check)$/.test(key))).toEqual([]);
    });
    redis.disconnect();
  });

  it('drops wake-ups at once while Redis is down, logs that, and wakes workers again afterwards', async () => {
    const redis = await startRedis();
    const workers = newWorkers();
    const driver = await startBull(redis.url, workers);
    TOPICS.forEach((topic) => driver.queue.wake(topic));
    await eventually(() => TOPICS.every((topic) => workers[topic].runs === 1));

    await redis.kill();
    const startedMs = performance.now();
    for (let i = 0; i < 1_000; i++) TOPICS.forEach((topic) => driver.queue.wake(topic));
    expect(performance.now() - startedMs).toBeLessThan(500);
    await eventually(() =>
      TOPICS.every((topic) => logged.some((line) => line.startsWith(`Wake-up of ${topic} was not sent`))),
    );
    await eventually(() =>
      logged.some((line) => line.startsWith('Redis is unavailable; the sweeper finds work of jobs')),
    );

    await startRedis({ port: redis.port });
    for (const topic of TOPICS) {
      const { runs } = workers[topic];
      await eventually(() => {
        driver.queue.wake(topic);
        return workers[topic].runs > runs;
      });
    }
  });

  it('does not delay the shutdown of a process while Redis is down', async () => {
    const redis = await startRedis();
    const daybook = await startDaybook({ env: { REDIS_URL: redis.url } });
    await redis.kill();
    await eventually(() => daybook.output().includes('Redis is unavailable; the sweeper finds the work meanwhile'));
    const startedMs = performance.now();
    await daybook.stop();
    expect(await daybook.exited).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});

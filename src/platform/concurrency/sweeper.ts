import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { logOnce } from '../observability/log-once.js';

/** Random share that each interval is longer or shorter, so that the sweeps of many workers spread out. */
const JITTER = 0.2;

/**
 * The phases of a sweep, in order. `recover` frees the leases of dead workers and takes their work over, `work` looks for
 * work that no wake-up announced, and `expire` deletes old rows, which may take a while.
 */
const PHASES = ['recover', 'work', 'expire'] as const;
export type SweepPhase = (typeof PHASES)[number];

interface SweepTask {
  phase: SweepPhase;
  run: () => Promise<void>;
  logFailure: (error: Error) => void;
}

/**
 * Runs periodic tasks of all features, one after another, every `SWEEP_INTERVAL` ± 20%. Features add their tasks in
 * `onModuleInit`; only a worker starts the sweeper. Each worker sweeps by itself and without the queue, so work continues
 * while Redis is away (decision 7).
 */
@Injectable()
export class Sweeper {
  private readonly logger = new Logger(Sweeper.name);
  private readonly stopping = new AbortController();
  private readonly tasks: SweepTask[] = [];
  private sweeping: Promise<void> = Promise.resolve();

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'SWEEP_INTERVAL'>) {}

  /**
   * Adds a task to every sweep. Tasks of a phase run in the order they were added. A task that fails is logged by name,
   * at most once a minute, and does not keep the others from running.
   */
  add(phase: SweepPhase, name: string, run: () => Promise<void>): void {
    this.tasks.push({ phase, run, logFailure: logOnce(this.logger, `Sweep of ${name} failed`) });
  }

  /** Begins to sweep, at once for the first time. */
  start(): void {
    this.sweeping = this.loop();
  }

  /** Starts no further sweep; resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.sweeping;
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.sweep();
      const waitMs = this.config.SWEEP_INTERVAL * (1 - JITTER + 2 * JITTER * Math.random());
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async sweep(): Promise<void> {
    for (const phase of PHASES) {
      for (const task of this.tasks) {
        if (task.phase !== phase) continue;
        try {
          await task.run();
        } catch (error) {
          task.logFailure(error instanceof Error ? error : new Error(String(error)));
        }
      }
    }
  }
}

/** Claimed work, which runs when it is called. It must not reject. */
export type Task = () => Promise<void>;

/**
 * Claims tasks and runs them concurrently until there are no more. A wake-up during the run makes it claim once more before
 * it ends, so none is lost.
 */
export class WorkerLoop {
  private readonly active = new Set<Promise<void>>();
  private running: Promise<void> | null = null;
  private isWokenAgain = false;
  private isStopped = false;

  /**
   * @param limit Maximum of concurrent tasks.
   * @param claim Claims up to `free` tasks; returns none when there is no work.
   * @param onError Called when a claim fails, which ends the run.
   */
  constructor(
    private readonly limit: number,
    private readonly claim: (free: number) => Promise<Task[]>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Number of running tasks. */
  get activeCount(): number {
    return this.active.size;
  }

  /**
   * Wakes the loop; resolves when there is no more work to claim. While the limit is reached it does not resolve, so that a
   * queue hands the next wake-up to a worker with capacity.
   */
  run(): Promise<void> {
    this.isWokenAgain = true;
    this.running ??= this.loop();
    return this.running;
  }

  /** Stops claiming; resolves when the running tasks have ended. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await Promise.all(this.active);
  }

  private async loop(): Promise<void> {
    while (this.isWokenAgain && !this.isStopped) {
      this.isWokenAgain = false;
      try {
        await this.claimAll();
      } catch (error) {
        this.onError(error);
      }
    }
    // In the same step as the check above. In a `finally` of the promise, a wake-up in between would be lost.
    this.running = null;
  }

  private async claimAll(): Promise<void> {
    while (!this.isStopped) {
      if (this.active.size >= this.limit) {
        await Promise.race(this.active);
        continue;
      }
      const tasks = await this.claim(this.limit - this.active.size);
      if (tasks.length === 0) return;
      for (const task of tasks) this.start(task);
    }
  }

  private start(task: Task): void {
    const ended = task().finally(() => {
      this.active.delete(ended);
      // The task may have made further work available: it released a lane, or the next callback of a queue is due.
      if (!this.isStopped) void this.run();
    });
    this.active.add(ended);
  }
}

/** Something that was claimed and is to be worked on. It must not reject. */
export type Task = () => Promise<void>;

/**
 * Claims work and does it until there is no more, several pieces at a time. Woken again while it runs, it looks once
 * more before it ends, so no wake-up is lost.
 */
export class WorkerLoop {
  private readonly active = new Set<Promise<void>>();
  private running: Promise<void> | null = null;
  private isWokenMeanwhile = false;
  private isStopped = false;

  /**
   * @param slots How many tasks may be under way.
   * @param claim Takes up to so many pieces of work; none when there is nothing to take.
   * @param onError Hears of a claim that failed; the wake-up is then over.
   */
  constructor(
    private readonly slots: number,
    private readonly claim: (free: number) => Promise<Task[]>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Tasks under way. */
  get activeCount(): number {
    return this.active.size;
  }

  /**
   * Resolves when nothing more can be claimed. While every slot is taken it does not resolve, so that a queue does not
   * hand the next wake-up to a worker that could not follow it.
   */
  run(): Promise<void> {
    this.isWokenMeanwhile = true;
    this.running ??= this.loop();
    return this.running;
  }

  /** Claims nothing more; resolves when the tasks under way have ended. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await Promise.all(this.active);
  }

  private async loop(): Promise<void> {
    while (this.isWokenMeanwhile && !this.isStopped) {
      this.isWokenMeanwhile = false;
      try {
        await this.claimAll();
      } catch (error) {
        this.onError(error);
      }
    }
    // In the same step as the look above, not in a `finally` of the promise: a wake-up in between would be lost.
    this.running = null;
  }

  private async claimAll(): Promise<void> {
    while (!this.isStopped) {
      if (this.active.size >= this.slots) {
        await Promise.race(this.active);
        continue;
      }
      const tasks = await this.claim(this.slots - this.active.size);
      if (tasks.length === 0) return;
      for (const task of tasks) this.start(task);
    }
  }

  private start(task: Task): void {
    const ended = task().finally(() => {
      this.active.delete(ended);
      // What the task left or made possible (a lane given back, the next of a stream) can be claimed now.
      if (!this.isStopped) void this.run();
    });
    this.active.add(ended);
  }
}

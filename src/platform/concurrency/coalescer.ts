/**
 * Combines many requests for an action into few runs of it. A request starts a run; requests that arrive during the delay
 * belong to that run, and requests during the run itself lead to exactly one more. Runs never overlap.
 */
export class Coalescer {
  private isBusy = false;
  private isRequested = false;

  /**
   * @param action Must not reject.
   * @param delay Awaited before each run; must not reject. By default there is no delay.
   */
  constructor(
    private readonly action: () => Promise<void>,
    private readonly delay: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Has the action run once more, after the run in progress if there is one. Returns at once. */
  request(): void {
    this.isRequested = true;
    if (this.isBusy) return;
    this.isBusy = true;
    void this.runAll();
  }

  private async runAll(): Promise<void> {
    while (this.isRequested) {
      await this.delay();
      this.isRequested = false;
      await this.action();
    }
    this.isBusy = false;
  }
}

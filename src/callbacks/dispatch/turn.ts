import type { DueDelivery } from './due.store.js';

/** How far a run has come. */
export class Turn {
  /** Settle when what was sent is on record. */
  readonly recorded: Promise<void>[] = [];
  /** Handed out, and not sent. */
  readonly unsent: DueDelivery[] = [];
  hasProbed = false;
  /** Something that was sent could not be recorded. */
  isBroken = false;
  private hasExited = false;

  /**
   * @param endsAtMs By `performance.now()`.
   * @param isOurs Whether what is sent is still ours to send.
   */
  constructor(
    private readonly endsAtMs: number,
    private readonly isOurs: () => boolean,
  ) {}

  add(recording: Promise<void>): void {
    recording.catch(() => (this.isBroken = true));
    this.recorded.push(recording);
  }

  end(): void {
    this.hasExited = true;
  }

  isOver(): boolean {
    return this.hasExited || this.isBroken || performance.now() > this.endsAtMs || !this.isOurs();
  }
}

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
  private hasEnded = false;

  /** @param endsAtMs By `performance.now()`. */
  constructor(private readonly endsAtMs: number) {}

  add(recording: Promise<void>): void {
    recording.catch(() => (this.isBroken = true));
    this.recorded.push(recording);
  }

  end(): void {
    this.hasEnded = true;
  }

  isOver(): boolean {
    return this.hasEnded || this.isBroken || performance.now() > this.endsAtMs;
  }
}

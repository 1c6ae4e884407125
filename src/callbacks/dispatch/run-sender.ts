import { Logger } from '@nestjs/common';
import type { Breakers } from '../destinations/breakers.js';
import type { CallbacksService, EndedAttempt } from './callbacks.service.js';
import type { DueDelivery } from './due.store.js';
import type { Turn } from './turn.js';

/** Attempts of a run that may wait to be recorded. */
export const MAX_UNRECORDED = 512;

/** What is sent in one turn. */
export interface Run {
  destination: string;
  /** At most so many attempts at a time. */
  senders: number;
  source: {
    next(): Promise<DueDelivery | null>;
    /** What became of it is on record. */
    recorded(id: string): void;
  };
}

export interface RunSenderOptions {
  /** Nothing follows what is to be tried again. */
  isStrict: boolean;
  /** @param atMs When an attempt is to be made again, by `performance.now()`. */
  onRetry(atMs: number): void;
}

/** Sends what a run hands out until its turn is over. */
export class RunSender {
  private readonly logger = new Logger(RunSender.name);

  constructor(
    private readonly run: Run,
    private readonly turn: Turn,
    private readonly callbacks: CallbacksService,
    private readonly breakers: Breakers,
    private readonly options: RunSenderOptions,
  ) {}

  /** @returns When everything that was sent is on record, what came of it; the turn has what was not sent. */
  async send(): Promise<PromiseSettledResult<void>[]> {
    const ended = await Promise.allSettled(Array.from({ length: this.run.senders }, () => this.sendInTurn()));
    return [...ended, ...(await Promise.allSettled(this.turn.recorded))];
  }

  /** One attempt after the other; the next is not held up by the record of the one before. */
  private async sendInTurn(): Promise<void> {
    const { run, turn } = this;
    while (!turn.isOver()) {
      const delivery = await run.source.next();
      if (!delivery) return;
      if (delivery.isDisabled) {
        turn.add(this.callbacks.refuse(delivery.id).then(() => run.source.recorded(delivery.id)));
      } else if (!turn.isOver() && (await this.isAdmitted())) {
        await this.attempt(delivery);
      } else {
        turn.unsent.push(delivery);
        return turn.end();
      }
      await turn.recorded.at(-MAX_UNRECORDED)?.catch(() => undefined);
    }
  }

  private async attempt(delivery: DueDelivery): Promise<void> {
    try {
      this.ended(await this.callbacks.attempt(delivery));
    } catch (error) {
      // Our own fault: the outcome of this attempt is unknown, and no other may follow it.
      this.turn.isBroken = true;
      throw error;
    }
  }

  /** Freely while the breaker is closed; else one attempt to see how things stand, if no other worker makes it. */
  private async isAdmitted(): Promise<boolean> {
    const { destination } = this.run;
    if (this.breakers.isClosed(destination)) return true;
    if (this.turn.hasProbed) return false;
    this.turn.hasProbed = true;
    return this.breakers.mayProbe(destination).catch((error: unknown) => {
      this.logger.warn(`Callbacks to ${destination} wait: ${String(error)}`);
      return false;
    });
  }

  /** Puts an attempt on record, and judges what it means for what comes after it. */
  private ended(attempt: EndedAttempt): void {
    const { run, turn } = this;
    const { deliveryId, event, isGone, status, retryAtMs } = attempt;
    turn.add(this.callbacks.record(attempt).then(() => run.source.recorded(deliveryId)));
    // A probe that could not be made must not leave the breaker half open.
    const noted = event ?? (turn.hasProbed ? 'failure' : null);
    if (noted) this.breakers.note(run.destination, noted);
    if (retryAtMs !== null) this.options.onRetry(retryAtMs);
    // In strict order nothing follows what is to be tried again: the line waits for it. What was read before a URL was
    // gone does not know that it is.
    if (isGone || (this.options.isStrict && status === 'PENDING')) turn.end();
  }
}

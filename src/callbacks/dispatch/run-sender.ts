import { Logger } from '@nestjs/common';
import type { Breakers } from '../destinations/breakers.js';
import type { Target } from '../destinations/target.js';
import type { MessageSigner } from '../signing/callback-signer.js';
import type { DueDelivery } from '../leases/due-delivery.js';
import type { CallbacksService, EndedAttempt, PostponedAttempt } from './callbacks.service.js';

/** Most attempts of a run whose record is still being written. */
export const MAX_UNRECORDED = 512;

/** Deliveries of an account to one destination that are sent within one time slice. */
export interface Run {
  target: Target;
  /** Attempts in flight at a time. With one, each attempt is sent after the one before has been answered. */
  senders: number;
  source: {
    next(): Promise<DueDelivery | null>;
    /** The outcome of a delivery's attempt was recorded. */
    recorded(id: string): void;
  };
}

export interface RunSenderOptions {
  /** No attempt follows one that is to be retried. */
  isStrict: boolean;
  /** False ends the run: its time slice is over, its lease is lost, callbacks are paused, or the process stops. */
  mayContinue(): boolean;
  /** @param atMs Time of the retry by `performance.now()`. */
  onRetry(atMs: number): void;
}

/** Sends the deliveries of one run until there are no more or it must end. */
export class RunSender {
  /** Deliveries that were handed out and not sent. */
  readonly unsent: DueDelivery[] = [];
  private readonly logger = new Logger(RunSender.name);
  private readonly recordings: Promise<void>[] = [];
  private hasProbed = false;
  /** The probe is a time slice of attempts. */
  private isLongProbe = false;
  private hasEnded = false;
  private hasFailed = false;

  constructor(
    private readonly run: Run,
    private readonly callbacks: CallbacksService,
    private readonly breakers: Breakers,
    private readonly options: RunSenderOptions,
  ) {}

  /** Whether an attempt was sent whose outcome could not be recorded. The lease must then expire instead of being released. */
  get isBroken(): boolean {
    return this.hasFailed;
  }

  /** @returns The results of the senders and of the records, when all attempts have ended and are recorded. */
  async send(): Promise<PromiseSettledResult<void>[]> {
    const ended = await Promise.allSettled(Array.from({ length: this.run.senders }, () => this.sendAll()));
    return [...ended, ...(await Promise.allSettled(this.recordings))];
  }

  /** One sender: one attempt after the other. It does not wait for the record of an attempt before the next. */
  private async sendAll(): Promise<void> {
    const { source } = this.run;
    while (this.mayContinue()) {
      const delivery = await source.next();
      if (!delivery) return;
      // Before the lease is checked: a process that was frozen reads the keys anew, and its lease may end meanwhile.
      const signer = delivery.isDisabled ? null : await this.signerOf(delivery);
      if (delivery.isDisabled) {
        this.record(delivery.id, this.callbacks.refuse(delivery.id));
      } else if (!signer || !(await this.attemptIfLeased(delivery, signer))) {
        this.unsent.push(delivery);
        this.hasEnded = true;
      }
      await this.recordings.at(-MAX_UNRECORDED)?.catch(() => undefined);
    }
  }

  /** @returns The signer of a delivery's message, or null if the keys cannot be read. */
  private async signerOf(delivery: DueDelivery): Promise<MessageSigner | null> {
    try {
      return await this.callbacks.signerOf(delivery);
    } catch (error) {
      this.logger.warn(`A callback to ${this.run.target.destination} was not signed: ${String(error)}`);
      return null;
    }
  }

  private mayContinue(): boolean {
    return !this.hasEnded && !this.hasFailed && this.options.mayContinue();
  }

  /**
   * While the breaker is closed every attempt is admitted, else one probe of the run that no other worker sends. If the
   * destination has failed for long, the probe is the whole run.
   */
  private async isAdmitted(): Promise<boolean> {
    const { target } = this.run;
    if (this.breakers.isClosed(target) || this.isLongProbe) return true;
    if (this.hasProbed) return false;
    this.hasProbed = true;
    try {
      const mayProbe = await this.breakers.mayProbe(target);
      this.isLongProbe = mayProbe && this.breakers.isLongFailing(target);
      return mayProbe;
    } catch (error) {
      this.logger.warn(`No probe of ${target.destination} was sent: ${String(error)}`);
      return false;
    }
  }

  /** @returns Whether it made the attempt. */
  private async attemptIfLeased(delivery: DueDelivery, signer: MessageSigner): Promise<boolean> {
    const hadProbed = this.hasProbed;
    if (!this.mayContinue() || !(await this.isAdmitted())) return false;
    // Checked again, since the lease may end while the probe is asked for. The time is taken before the check, so that a process
    // that is frozen after it does not send later.
    const startedAt = performance.now();
    if (!this.mayContinue()) {
      // A probe that was not sent must not leave the breaker half-open.
      if (this.hasProbed && !hadProbed) this.breakers.report(this.run.target, 'failure');
      return false;
    }
    await this.attempt(delivery, signer, startedAt);
    return true;
  }

  private async attempt(delivery: DueDelivery, signer: MessageSigner, startedAt: number): Promise<void> {
    try {
      const attempt = await this.callbacks.attempt(delivery, signer, startedAt);
      if (attempt.status === 'POSTPONED') this.postponed(attempt);
      else this.ended(attempt);
    } catch (error) {
      // A fault of our own: the outcome of this attempt is unknown, and no other may follow it.
      this.hasFailed = true;
      throw error;
    }
  }

  private ended(attempt: EndedAttempt): void {
    const { deliveryId, event, isGone, status, retryAtMs } = attempt;
    this.record(deliveryId, this.callbacks.record(attempt));
    // A probe that was not sent must not leave the breaker half-open.
    const breakerEvent = event ?? (this.hasProbed ? 'failure' : null);
    if (breakerEvent) this.breakers.report(this.run.target, breakerEvent);
    if (retryAtMs !== null) this.options.onRetry(retryAtMs);
    // Deliveries that were read before their URL answered 410 are not marked as disabled, so the run ends.
    if (isGone || (this.options.isStrict && status === 'PENDING')) this.hasEnded = true;
  }

  /** Later deliveries of the run have the same host, so they wait too. */
  private postponed(attempt: PostponedAttempt): void {
    this.hasEnded = true;
    this.record(attempt.deliveryId, this.callbacks.postpone(attempt));
    // A probe that was not sent must not leave the breaker half-open.
    if (this.hasProbed) this.breakers.report(this.run.target, 'failure');
    this.options.onRetry(attempt.retryAtMs);
  }

  private record(deliveryId: string, written: Promise<void>): void {
    const recording = written.then(() => this.run.source.recorded(deliveryId));
    recording.catch(() => (this.hasFailed = true));
    this.recordings.push(recording);
  }
}

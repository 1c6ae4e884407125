import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { isDataError, throughOutage } from '../../platform/database/outages.js';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { retryAtMs } from '../../platform/concurrency/retry-schedule.js';
import { Metrics } from '../../platform/observability/metrics.js';
import type { AttemptTrigger } from '../deliveries/callback-log.entity.js';
import { callbackMessage } from './callback-message.js';
import { CallbackSigner, type MessageSigner } from '../signing/callback-signer.js';
import { type AttemptRecord, CallbackLogRepository } from '../deliveries/callback-log.repository.js';
import { CallbackDeliveryRepository } from '../deliveries/callback-delivery.repository.js';
import { DestinationRepository } from '../destinations/destination.repository.js';
import { type DueDelivery, nextNumber } from '../leases/due-delivery.js';
import { type Postponement, PostponementsStore } from '../leases/postponements.store.js';
import { OutgoingMessage } from '../transport/callback-client.js';
import { type CallbackOutcome, sendCallback } from '../transport/send-callback.js';
import { PATIENCE_MS, UnresolvedDestinations, waitMs } from './postponing.js';
import { failureReason } from './failure-reason.js';
import { matchesStatus, retryAfterMs } from './retry-after.js';

const GONE = 'The URL answered 410 Gone before and is disabled. Enable it and redeliver this callback';

/**
 * One statement for five attempts costs as much as one for fifty, so records wait this long for others. A run keeps its
 * permits until they are written, and a crash in this time sends the unrecorded attempts again.
 */
const RECORD_EVERY_MS = 20;

/** An attempt that has ended, and its consequences for the destination and the URL. */
export interface EndedAttempt extends AttemptRecord {
  accountId: string;
  destination: string;
  /** Null if nothing was dialled. */
  event: 'success' | 'failure' | null;
  isGone: boolean;
}

/** A try that sent nothing, for a reason that is not the receiver's. It uses up no attempt. */
export interface PostponedAttempt extends Postponement {
  status: 'POSTPONED';
}

/** Sends attempts and persists their logs. Attempts that end at about the same time are written in one batch. */
@Injectable()
export class CallbacksService {
  private readonly recordings = new Batcher<EndedAttempt, void>((batch) => this.recordBatch(batch), {
    isItemFault: isDataError,
    intervalMs: RECORD_EVERY_MS,
  });

  private readonly refusals = new Batcher<string, void>(async (ids) => {
    await throughOutage(() => this.deliveries.refuse(ids, GONE));
    return ids.map(() => undefined);
  });

  private readonly postponed = new Batcher<Postponement, void>(async (batch) => {
    await throughOutage(() => this.postponements.postpone(batch));
    return batch.map(() => undefined);
  });

  constructor(
    private readonly http: HttpService,
    private readonly logs: CallbackLogRepository,
    private readonly deliveries: CallbackDeliveryRepository,
    private readonly destinations: DestinationRepository,
    private readonly postponements: PostponementsStore,
    private readonly unresolved: UnresolvedDestinations,
    private readonly signer: CallbackSigner,
    private readonly metrics: Metrics,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'CALLBACK_RETRY_DELAYS' | 'CALLBACK_RETRY_STATUSES'>,
  ) {}

  /** @returns The signer of a delivery's message. It waits for a query when the keys are not cached, or for too long. */
  signerOf({ request }: DueDelivery): MessageSigner | Promise<MessageSigner> {
    return this.signer.of(request.account);
  }

  /**
   * Sends a delivery once. A failed attempt does not reject: its outcome is in the result. The result is POSTPONED when nothing was
   * sent for a reason that is not the receiver's.
   * @param startedAt Before the lease was checked, by `performance.now()`; see {@link OutgoingMessage}.
   */
  async attempt(
    delivery: DueDelivery,
    signer: MessageSigner,
    startedAt: number,
  ): Promise<EndedAttempt | PostponedAttempt> {
    const attemptNumber = nextNumber(delivery);
    const attemptedAt = new Date();
    const { body, headers } = callbackMessage(delivery, attemptNumber, attemptedAt, signer);
    const message = new OutgoingMessage(body, headers, delivery.request.account, startedAt);
    const outcome = await sendCallback(this.http, delivery.url, message);
    const postponed = this.postponedBy(outcome, delivery);
    if (postponed) return postponed;
    this.metrics.callbackAttempts.inc({ outcome: outcome.errorKind ?? 'success' });
    return {
      deliveryId: delivery.id,
      requestId: delivery.requestId,
      url: delivery.url,
      accountId: delivery.accountId,
      destination: delivery.destination,
      attemptNumber,
      trigger: triggerOf(delivery),
      attemptedAt,
      outcome,
      ...this.judge(outcome, delivery.attempts + 1 - delivery.scheduleStart),
    };
  }

  /** Persists an attempt; it is durable when this resolves. */
  record(attempt: EndedAttempt): Promise<void> {
    return this.recordings.submit(attempt);
  }

  /** Persists that a delivery waits; it is durable when this resolves. */
  postpone(postponed: PostponedAttempt): Promise<void> {
    return this.postponed.submit(postponed);
  }

  /** Fails a delivery whose URL answered 410 Gone before. */
  refuse(id: string): Promise<void> {
    return this.refusals.submit(id);
  }

  /** @returns The next try of a delivery of which nothing was sent; null for an attempt, or when it has waited too long. */
  private postponedBy(outcome: CallbackOutcome, delivery: DueDelivery): PostponedAttempt | null {
    const { notAttempted } = outcome;
    const to = delivery.destination;
    if (!notAttempted) this.unresolved.release(to);
    if (!notAttempted || delivery.waitedMs >= PATIENCE_MS) return null;
    const { message, isNameDown } = notAttempted;
    const atMs = isNameDown
      ? this.unresolved.hold(to, delivery.waitedMs)
      : performance.now() + waitMs(delivery.waitedMs);
    return {
      status: 'POSTPONED',
      deliveryId: delivery.id,
      attemptNumber: nextNumber(delivery),
      reason: `Not sent yet: ${message}. This uses up no attempt`,
      retryAtMs: atMs,
    };
  }

  /** 2xx is a success. Transient failures are retried until the schedule ends; everything else is final. */
  private judge(outcome: CallbackOutcome, attempts: number): Verdict {
    const { trace, errorKind } = outcome;
    if (errorKind === null)
      return { status: 'SUCCESS', reason: null, retryAtMs: null, event: 'success', isGone: false };
    const { CALLBACK_RETRY_DELAYS, CALLBACK_RETRY_STATUSES } = this.config;
    const isAnswer = errorKind === 'status';
    const isGone = isAnswer && trace.status === 410;
    const isTransient = isAnswer
      ? !isGone && matchesStatus(trace.status!, CALLBACK_RETRY_STATUSES)
      : errorKind !== 'blocked';
    const askedMs = isAnswer ? retryAfterMs(trace.responseHeaders ?? {}, new Date()) : 0;
    const atMs = isTransient ? retryAtMs(attempts, performance.now(), CALLBACK_RETRY_DELAYS, askedMs) : null;
    const status = atMs === null ? 'FAILED' : 'PENDING';
    const allAttempts = CALLBACK_RETRY_DELAYS.length + 1;
    const reason = failureReason({ outcome, status, isTransient, attempts, allAttempts });
    // A final answer is an answer too: the destination works.
    const event = isTransient ? 'failure' : isAnswer ? 'success' : null;
    return { status, reason, retryAtMs: atMs, event, isGone };
  }

  private async recordBatch(batch: EndedAttempt[]): Promise<void[]> {
    const gone = batch.filter(({ isGone }) => isGone);
    // URLs first: otherwise another worker could send to them before it knows.
    if (gone.length > 0) {
      const urls = gone.map(({ accountId, destination, url, requestId }) => ({
        accountId,
        destination,
        url,
        requestId,
      }));
      await throughOutage(() => this.destinations.disable(urls));
    }
    await throughOutage(() => this.logs.record(batch));
    return batch.map(() => undefined);
  }
}

type Verdict = Pick<EndedAttempt, 'status' | 'reason' | 'retryAtMs' | 'event' | 'isGone'>;

function triggerOf({ attempts, scheduleStart, redeliveryId }: DueDelivery): AttemptTrigger {
  if (attempts === 0) return 'first';
  if (attempts !== scheduleStart) return 'retry';
  return redeliveryId === null ? 'manual' : 'replay';
}

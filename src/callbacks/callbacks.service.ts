import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config.js';
import { throughOutage } from '../database.js';
import { GroupCommit } from '../group-commit.js';
import { Metrics } from '../metrics.js';
import type { AttemptTrigger } from './callback-log.entity.js';
import { callbackMessage } from './callback-message.js';
import { CallbackSigner } from './callback-signer.js';
import { type AttemptRecord, DeliveryStore, type DueDelivery } from './delivery.store.js';
import { type CallbackOutcome, sendCallback } from './http-transport.js';
import { matchesStatus, nextAttemptAt } from './retry-schedule.js';

/** An attempt that is to be recorded, and the delivery that follows in its stream and takes over the lease. */
export interface Recording {
  record: AttemptRecord;
  next: string | null;
}

/** Makes attempts and records them. Attempts that end together are written together. */
@Injectable()
export class CallbacksService {
  private readonly recordings = new GroupCommit<Recording, void>((batch) => this.recordBatch(batch));

  constructor(
    private readonly http: HttpService,
    private readonly store: DeliveryStore,
    private readonly signer: CallbackSigner,
    private readonly metrics: Metrics,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'CALLBACK_RETRY_DELAYS' | 'CALLBACK_RETRY_STATUSES' | 'LANE_LEASE'>,
  ) {}

  /** Sends a delivery once. Never rejects: whatever went wrong is in the record. */
  async attempt(delivery: DueDelivery): Promise<AttemptRecord> {
    const attemptNumber = delivery.attempts + 1;
    const attemptedAt = new Date();
    const { body, headers } = callbackMessage(delivery, attemptNumber, attemptedAt, this.signer);
    const outcome = await sendCallback(this.http, new URL(delivery.url), body, headers);
    this.metrics.callbackAttempts.inc({ outcome: outcome.errorKind ?? 'success' });
    const verdict = this.judge(outcome, attemptNumber - delivery.scheduleStart);
    return {
      deliveryId: delivery.id,
      ...verdict,
      log: {
        ...logged(outcome),
        requestId: delivery.requestId,
        attemptNumber,
        trigger: triggerOf(delivery),
        url: delivery.url,
        success: verdict.status === 'SUCCESS',
        attemptedAt,
        nextAttemptAt: verdict.nextAttemptAt,
      },
    };
  }

  /** Writes an attempt; it is durable when this resolves. */
  record(recording: Recording): Promise<void> {
    return this.recordings.submit(recording);
  }

  /** 2xx has arrived; what may pass is tried again until the schedule ends; everything else is final. */
  private judge(
    { trace, errorKind }: CallbackOutcome,
    attempts: number,
  ): Pick<AttemptRecord, 'status' | 'nextAttemptAt'> {
    const { CALLBACK_RETRY_DELAYS, CALLBACK_RETRY_STATUSES } = this.config;
    if (errorKind === null) return { status: 'SUCCESS', nextAttemptAt: null };
    const mayPass =
      errorKind === 'status' ? matchesStatus(trace.status!, CALLBACK_RETRY_STATUSES) : errorKind !== 'blocked';
    const next = mayPass ? nextAttemptAt(attempts, new Date(), CALLBACK_RETRY_DELAYS) : null;
    return next ? { status: 'PENDING', nextAttemptAt: next } : { status: 'FAILED', nextAttemptAt: null };
  }

  private async recordBatch(batch: Recording[]): Promise<void[]> {
    const records = batch.map(({ record }) => record);
    // What follows may have been sent by now too, and stand in this very batch: then it needs no lease any more.
    const recorded = new Set<string | null>(records.map(({ deliveryId }) => deliveryId)).add(null);
    const next = batch.flatMap((recording) => (recorded.has(recording.next) ? [] : [recording.next!]));
    await throughOutage(() => this.store.record(records, next, this.config.LANE_LEASE));
    return batch.map(() => undefined);
  }
}

/** An outcome in the columns of the log. */
function logged({ trace, errorKind, errorMessage }: CallbackOutcome) {
  const { status, totalMs, ...rest } = trace;
  return { ...rest, statusCode: status, responseTimeMs: totalMs, errorKind, errorMessage };
}

function triggerOf({ attempts, scheduleStart, redeliveryId }: DueDelivery): AttemptTrigger {
  if (attempts === 0) return 'first';
  if (attempts !== scheduleStart) return 'retry';
  return redeliveryId === null ? 'manual' : 'replay';
}

import { Inject, Injectable, Logger } from '@nestjs/common';
import { UrlGuard } from '../callbacks/url-guard.js';
import { CONFIG, type Config } from '../config.js';
import { WorkQueue } from '../queue/work-queue.js';
import type { ReportRequest } from '../reports/report-request.schema.js';
import { ReportsService } from '../reports/reports.service.js';
import { IdempotencyService } from '../requests/idempotency.service.js';
import type { RequestMode } from '../requests/request.entity.js';
import type { IdempotencyKey, NewRequest } from '../requests/request.store.js';
import { acknowledgement, syncAnswer, syncContinues } from '../requests/request.view.js';
import { ReportHasFailed, SyncBusy } from '../requests/requests.errors.js';
import { RequestsService } from '../requests/requests.service.js';
import type { Made } from './report-maker.js';
import { SyncRunner } from './sync-runner.js';

/** What a caller is told, and whether its request is still going on. */
export interface Answer {
  requestId: string;
  isFinished: boolean;
  body: object;
}

/** Takes requests: puts async ones in their lane, makes sync ones while the caller waits. */
@Injectable()
export class JobsService {
  private readonly logger = new Logger(JobsService.name);
  private syncUnderWay = 0;

  constructor(
    private readonly requests: RequestsService,
    private readonly idempotency: IdempotencyService,
    private readonly reports: ReportsService,
    private readonly syncRunner: SyncRunner,
    private readonly guard: UrlGuard,
    private readonly queue: WorkQueue,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SYNC_MAX_PENDING'>,
  ) {}

  /**
   * Accepts an async request; it is durable when this resolves.
   * @throws CallbackUrlRefused, KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async acceptAsync(request: ReportRequest, key: IdempotencyKey | null): Promise<Answer> {
    const accepted = this.newRequest('async', request, key);
    const { id, queuePosition, jobsAhead } = await this.requests.accept(accepted);
    this.queue.wake('jobs');
    const body = acknowledgement({
      id,
      lane: request.lane,
      queue_position: queuePosition,
      jobs_ahead_at_accept: jobsAhead,
    });
    return { requestId: id, isFinished: false, body };
  }

  /**
   * Makes a sync request. One that is not ready in time goes on, and the answer says so.
   * @param waitMs How long the caller waits; 0 for not at all.
   * @throws SyncBusy, CallbackUrlRefused, KeyAlreadyUsed, ReportHasFailed, StorageUnavailable, DatabaseUnavailable
   */
  async runSync(request: ReportRequest, key: IdempotencyKey | null, waitMs: number): Promise<Answer> {
    if (this.syncUnderWay >= this.config.SYNC_MAX_PENDING) throw new SyncBusy(this.config.SYNC_MAX_PENDING);
    const accepted = this.newRequest('sync', request, key);
    this.syncUnderWay++;
    const made = this.acceptAndMake(accepted);
    // Whatever becomes of it after the caller has stopped waiting is in the log of the request, and here.
    const done = made.result.finally(() => this.syncUnderWay--);
    done.catch((error: unknown) => this.logger.debug(`Sync request ended: ${String(error)}`));
    const id = await made.accepted;
    const inTime = await raceWithTimer(done, waitMs);
    if (!inTime) {
      const body = syncContinues(id);
      if (key) await this.idempotency.keepResponse(key, 202, body);
      return { requestId: id, isFinished: false, body };
    }
    if (inTime.error !== null) throw new ReportHasFailed(id, inTime.error);
    return { requestId: id, isFinished: true, body: syncAnswer(id, inTime.result ?? {}) };
  }

  private acceptAndMake(request: Omit<NewRequest, 'id'>): { accepted: Promise<string>; result: Promise<Made> } {
    const accepted = this.requests.accept(request).then(({ id }) => id);
    const { mode, report, format, params, callbackUrl } = request;
    const result = accepted.then((id) =>
      this.syncRunner.run({ id, mode, report, format, params, callbackUrl, queuePosition: 0, leaseEpoch: 0 }),
    );
    return { accepted, result };
  }

  private newRequest(mode: RequestMode, request: ReportRequest, key: IdempotencyKey | null): Omit<NewRequest, 'id'> {
    const { report, format } = request;
    const callbackUrl = request.callbackUrl ?? null;
    if (callbackUrl !== null) this.guard.check(callbackUrl);
    const params = this.reports.fixDefaults(report, request.params, new Date());
    const lane = mode === 'async' ? request.lane : null;
    return { mode, lane, report, format, params, callbackUrl, idempotency: key };
  }
}

/** The promise's value, or null when the time is up first. */
async function raceWithTimer<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

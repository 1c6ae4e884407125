import { Inject, Injectable, Logger } from '@nestjs/common';
import { newId } from '../platform/ids.js';
import { type AccountId, qualifiedLane } from '../platform/tenant.js';
import { CallbackUrlRefused } from '../callbacks/url-guard/callback-url-refused.js';
import { UrlGuard } from '../callbacks/url-guard/url-guard.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Throughput } from '../platform/concurrency/throughput.js';
import { withTimeout } from '../platform/concurrency/timeout.js';
import { WorkQueue } from '../queue/work-queue.js';
import type { ReportRequest } from '../reports/report-request.schema.js';
import { ReportsService } from '../reports/reports.service.js';
import { IdempotencyService } from '../requests/idempotency/idempotency.service.js';
import type { RequestMode } from '../requests/request.entity.js';
import type { IdempotencyKey } from '../http/idempotency-key.js';
import { AcceptService, type Place } from './accept/accept.service.js';
import type { NewRequest } from './accept/accept.store.js';
import { acknowledgement, syncAnswer, syncContinues } from '../requests/request.view.js';
import { retryAfterS } from './accept/retry-after.js';
import { ReportHasFailed, RequestNotPending, SyncBusy } from '../requests/requests.errors.js';
import { RequestsService } from '../requests/requests.service.js';
import { WakeDebounce } from './accept/wake-debounce.js';
import { destinationOf } from './job.js';
import { JobsStore } from './lanes/jobs.store.js';
import type { GeneratedReport } from './report-generator.js';
import { SyncRunner } from './sync/sync-runner.js';

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
  private readonly syncThroughput = new Throughput();
  private readonly wakeUps = new WakeDebounce(() => this.queue.wake('jobs'));

  constructor(
    private readonly requests: RequestsService,
    private readonly accepting: AcceptService,
    private readonly idempotency: IdempotencyService,
    private readonly reports: ReportsService,
    private readonly store: JobsStore,
    private readonly syncRunner: SyncRunner,
    private readonly guard: UrlGuard,
    private readonly queue: WorkQueue,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SYNC_MAX_PENDING'>,
  ) {}

  /**
   * Accepts an async request; it is durable when this resolves.
   * @throws CallbackUrlRefused, KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async acceptAsync(request: ReportRequest, key: IdempotencyKey | null, account: AccountId): Promise<Answer> {
    await this.guard.lookUp(request.callbackUrl ?? '');
    const accepted = this.newRequest('async', request, key, account);
    const place = await this.wakeUps.acknowledge(() => this.accepting.accept(accepted));
    return { requestId: place.id, isFinished: false, body: acknowledgementOf(place, accepted.lane) };
  }

  /**
   * Accepts async requests all or none, at consecutive positions of their lanes.
   * @throws CallbackUrlRefused, KeyAlreadyUsed, LaneFull, DatabaseUnavailable
   */
  async acceptBatch(batch: ReportRequest[], key: IdempotencyKey | null, account: AccountId): Promise<object> {
    const requests = batch.map((request, index) =>
      this.newRequest('async', request, null, account, `requests.${index}.`),
    );
    const answerOf = (places: Place[]): object => ({
      requests: places.map((place, index) => acknowledgementOf(place, requests[index]!.lane)),
    });
    return this.wakeUps.acknowledge(() => this.accepting.acceptAll(requests, key, answerOf));
  }

  /**
   * Cancels a request that is still pending; its position stays, and its callback says so.
   * @throws RequestNotFound, RequestNotPending
   */
  async cancel(id: string, account: AccountId): Promise<object> {
    const { callbackUrl } = await this.requests.find(id, account);
    const to = destinationOf(callbackUrl);
    if (!(await this.store.cancel(id, newId(), to))) throw new RequestNotPending();
    if (to !== null) this.queue.wake('callbacks');
    return this.requests.detail(id, account);
  }

  /**
   * Makes a sync request. One that is not ready in time goes on, and the answer says so.
   * @param waitMs How long the caller waits; 0 for not at all.
   * @throws SyncBusy, CallbackUrlRefused, KeyAlreadyUsed, ReportHasFailed, StorageUnavailable, DatabaseUnavailable
   */
  async runSync(
    request: ReportRequest,
    key: IdempotencyKey | null,
    account: AccountId,
    waitMs: number,
  ): Promise<Answer> {
    const { SYNC_MAX_PENDING } = this.config;
    if (this.syncUnderWay >= SYNC_MAX_PENDING) {
      throw new SyncBusy(SYNC_MAX_PENDING, retryAfterS(SYNC_MAX_PENDING, this.syncThroughput.perS()));
    }
    const accepted = this.newRequest('sync', request, key, account);
    this.syncUnderWay++;
    const made = this.acceptAndMake(accepted);
    // Whatever becomes of it after the caller has stopped waiting is in the log of the request, and here.
    const done = made.result.finally(() => {
      this.syncUnderWay--;
      this.syncThroughput.add(1);
    });
    done.catch((error: unknown) => this.logger.debug(`Sync request ended: ${String(error)}`));
    const id = await made.accepted;
    const finished = await withTimeout(done, waitMs, () => null);
    // Neither is there anything to answer when another process has taken it over meanwhile.
    if (!finished) {
      const body = syncContinues(id);
      if (key) await this.idempotency.keepResponse(key, 202, body);
      return { requestId: id, isFinished: false, body };
    }
    if (finished.error !== null) throw new ReportHasFailed(id, finished.error);
    return {
      requestId: id,
      isFinished: true,
      body: syncAnswer(id, JSON.parse(finished.result ?? '{}') as Record<string, unknown>),
    };
  }

  private acceptAndMake(request: Omit<NewRequest, 'id'>): {
    accepted: Promise<string>;
    result: Promise<GeneratedReport | null>;
  } {
    const accepted = this.accepting.accept(request).then(({ id }) => id);
    const { mode, report, format, params, callbackUrl } = request;
    const result = accepted.then((id) =>
      this.syncRunner.run({
        id,
        mode,
        report,
        format,
        params,
        callbackUrl,
        queuePosition: 0,
        leaseEpoch: 0,
        crashCount: 0,
      }),
    );
    return { accepted, result };
  }

  /** @param at Where the request stands in the body, for what is wrong with it. */
  private newRequest(
    mode: RequestMode,
    request: ReportRequest,
    key: IdempotencyKey | null,
    account: AccountId,
    at = '',
  ): Omit<NewRequest, 'id'> {
    const { report, format } = request;
    const callbackUrl = request.callbackUrl ?? null;
    if (callbackUrl !== null) this.checkCallbackUrl(callbackUrl, `${at}callback_url`);
    const params = this.reports.fixDefaults(report, request.params, new Date());
    const lane = mode === 'async' ? qualifiedLane(account, request.lane) : null;
    return { account, mode, lane, report, format, params, callbackUrl, idempotency: key };
  }

  private checkCallbackUrl(url: string, path: string): void {
    try {
      this.guard.check(url);
    } catch (error) {
      throw error instanceof CallbackUrlRefused ? error.at(path) : error;
    }
  }
}

function acknowledgementOf({ id, queuePosition, jobsAhead }: Place, lane: string | null): object {
  return acknowledgement({ id, lane, queuePosition, jobsAheadAtAccept: jobsAhead });
}

import { Inject, Injectable, Logger } from '@nestjs/common';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { Throughput } from '../../platform/concurrency/throughput.js';
import { withTimeout } from '../../platform/concurrency/timeout.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { AccountId } from '../../platform/tenant.js';
import type { ReportRequest } from '../../reports/report-request.schema.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { syncAnswer, syncContinues } from '../../requests/request.view.js';
import { SyncBusy, reportFailure } from '../../requests/requests.errors.js';
import { Backlog } from '../accept/backlog.service.js';
import { AcceptService } from '../accept/accept.service.js';
import type { NewRequest } from '../accept/accept.store.js';
import { NewRequests } from '../accept/new-requests.js';
import { retryAfterS } from '../accept/retry-after.js';
import type { GeneratedReport } from '../report-generator.js';
import { SyncRunner } from './sync-runner.js';

/** The answer to a sync request: the report, or if it is not finished in time, where to find it later. */
export interface SyncAnswer {
  requestId: string;
  isFinished: boolean;
  body: object;
}

/** Accepts sync requests and generates their reports while the callers wait, up to `SYNC_MAX_PENDING` at once. */
@Injectable()
export class SyncService {
  private readonly logger = new Logger(SyncService.name);
  private pending = 0;
  private readonly throughput = new Throughput();

  constructor(
    private readonly newRequests: NewRequests,
    private readonly accepting: AcceptService,
    private readonly backlog: Backlog,
    private readonly idempotency: IdempotencyService,
    private readonly runner: SyncRunner,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SYNC_MAX_PENDING'>,
  ) {}

  /**
   * Runs a request. One that is not finished in time continues in the background.
   * @param waitMs How long the caller waits; 0 for not at all.
   * @throws SyncBusy, DiskLow, StorageQuotaExceeded, CallbackUrlRefused, KeyAlreadyUsed, ReportHasFailed, StorageUnavailable, DatabaseUnavailable
   */
  async run(
    request: ReportRequest,
    key: IdempotencyKey | null,
    account: AccountId,
    waitMs: number,
  ): Promise<SyncAnswer> {
    const { SYNC_MAX_PENDING } = this.config;
    if (this.pending >= SYNC_MAX_PENDING)
      throw new SyncBusy(SYNC_MAX_PENDING, retryAfterS(SYNC_MAX_PENDING, this.throughput.perS()));
    const { accepted, report } = await this.start(await this.newRequests.prepare('sync', request, key, account));
    const requestId = await accepted;
    const finished = await withTimeout(report, waitMs, () => null);
    // Null after the timeout, and when another worker has taken the request over: its result counts.
    if (!finished) {
      const body = syncContinues(requestId);
      if (key) await this.idempotency.keepResponse(key, 202, body);
      return { requestId, isFinished: false, body };
    }
    if (finished.error !== null) throw reportFailure(requestId, finished.error);
    const result = JSON.parse(finished.result ?? '{}') as Record<string, unknown>;
    return { requestId, isFinished: true, body: syncAnswer(requestId, result) };
  }

  /**
   * Accepts a request and generates its report; both promises count as handled.
   * @throws StorageQuotaExceeded
   */
  private async start(
    request: Omit<NewRequest, 'id'>,
  ): Promise<{ accepted: Promise<string>; report: Promise<GeneratedReport | null> }> {
    const { mode, account, report: type, format, params, callbackUrl, estimatedBytes } = request;
    this.pending++;
    const release = await this.backlog.reserve(account, estimatedBytes).catch((error: unknown) => {
      this.pending--;
      throw error;
    });
    const lease = { queuePosition: 0, leaseEpoch: 0, crashCount: 0 };
    const accepted = this.accepting.accept(request).then(({ id }) => id);
    const report = accepted
      .then((id) => this.runner.run({ id, mode, account, report: type, format, params, callbackUrl, ...lease }))
      .finally(() => {
        this.pending--;
        release();
        this.throughput.add(1);
      });
    // After the timeout no caller sees the error any more; the request log has the outcome.
    report.catch((error: unknown) => this.logger.debug(`Sync request ended: ${String(error)}`));
    return { accepted, report };
  }
}

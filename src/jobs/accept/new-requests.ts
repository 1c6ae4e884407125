import { Injectable } from '@nestjs/common';
import { CallbackUrlRefused } from '../../callbacks/url-guard/callback-url-refused.js';
import { UrlGuard } from '../../callbacks/url-guard/url-guard.js';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { type AccountId, qualifiedLane } from '../../platform/tenant.js';
import type { ReportRequest } from '../../reports/report-request.schema.js';
import { ReportsService } from '../../reports/reports.service.js';
import type { RequestMode } from '../../requests/request.entity.js';
import type { NewRequest } from './accept.store.js';

/** Turns validated bodies into requests that can be accepted. */
@Injectable()
export class NewRequests {
  constructor(
    private readonly reports: ReportsService,
    private readonly guard: UrlGuard,
  ) {}

  /**
   * @param at Prefix of the path in an error, for a request inside a batch.
   * @throws CallbackUrlRefused
   */
  prepare(
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
    const estimatedBytes = this.reports.expectedBytes(report, params);
    return { account, mode, lane, report, format, params, callbackUrl, estimatedBytes, idempotency: key };
  }

  private checkCallbackUrl(url: string, path: string): void {
    try {
      this.guard.check(url);
    } catch (error) {
      throw error instanceof CallbackUrlRefused ? error.at(path) : error;
    }
  }
}

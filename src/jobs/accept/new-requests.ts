import { Injectable } from '@nestjs/common';
import { CallbackUrlRefused } from '../../callbacks/url-guard/callback-url-refused.js';
import { UrlGuard } from '../../callbacks/url-guard/url-guard.js';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { type AccountId, qualifiedLane } from '../../platform/tenant.js';
import type { ReportRequest } from '../../reports/report-request.schema.js';
import { type Acceptance, ParamsRefused } from '../../reports/define-report.js';
import { InvalidInput } from '../../http/validation.js';
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
   * @param on The circumstances, which requests of a batch share; a scheduled one is accepted as of its due time.
   * @throws CallbackUrlRefused, InvalidInput, DatabaseUnavailable
   */
  async prepare(
    mode: RequestMode,
    request: ReportRequest,
    key: IdempotencyKey | null,
    account: AccountId,
    at = '',
    on = this.reports.acceptance(account),
  ): Promise<Omit<NewRequest, 'id'>> {
    const { report, format } = request;
    const callbackUrl = request.callbackUrl ?? null;
    if (callbackUrl !== null) this.checkCallbackUrl(callbackUrl, `${at}callback_url`);
    const params = await this.fixDefaults(request, at, on);
    const lane = mode === 'async' ? qualifiedLane(account, request.lane) : null;
    const estimatedBytes = this.reports.expectedBytes(report, params);
    return { account, mode, lane, report, format, params, callbackUrl, estimatedBytes, idempotency: key };
  }

  /** @param asOf The time of the request. */
  acceptance(account: AccountId, asOf?: Date): Acceptance {
    return this.reports.acceptance(account, asOf);
  }

  private async fixDefaults({ report, params, paramsAt }: ReportRequest, at: string, on: Acceptance): Promise<object> {
    try {
      return await this.reports.fixDefaults(report, params, on);
    } catch (error) {
      if (!(error instanceof ParamsRefused)) throw error;
      throw new InvalidInput('body', [{ path: `${at}${paramsAt}${error.parameter}`, message: error.rule }]);
    }
  }

  private checkCallbackUrl(url: string, path: string): void {
    try {
      this.guard.check(url);
    } catch (error) {
      throw error instanceof CallbackUrlRefused ? error.at(path) : error;
    }
  }
}

import { Body, Controller, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { Response } from 'express';
import type { AccountId } from '../platform/tenant.js';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Action, Unrecorded } from '../http/action.decorators.js';
import { HasScope, NeedsScope, OwnAccount } from '../http/auth.decorators.js';
import { IDEMPOTENCY_HEADER, IdempotencyKey, Idempotent } from '../http/idempotency-key.js';
import { preferenceOf } from '../http/prefer.js';
import { CountedItems, RateLimited } from '../http/rate-limit.decorators.js';
import { ID_PARAM, idParam } from '../http/fields/id-param.js';
import { checkReportAccess, JOURNAL_SCOPE } from '../reports/report-access.js';
import { type ReportRequest, reportRequest, reportRequestExamples } from '../reports/report-request.schema.js';
import {
  BATCH_LIMIT,
  type BatchBody,
  acknowledgementSchema,
  batchAnswerSchema,
  batchBody,
  batchExamples,
  cancelledSchema,
  syncAnswerSchema,
} from './jobs.schema.js';
import { AsyncService } from './accept/async.service.js';
import { CancelService } from './lanes/cancel.service.js';
import { SyncService } from './sync/sync.service.js';

const syncBody = reportRequest('sync');
const asyncBody = reportRequest('async');

@ApiTags('reports')
@Controller('api')
export class JobsController {
  constructor(
    private readonly syncRequests: SyncService,
    private readonly asyncRequests: AsyncService,
    private readonly cancelling: CancelService,
  ) {}

  @Post('sync')
  @Unrecorded()
  @NeedsScope('reports:write')
  @HttpCode(200)
  @RateLimited('sync')
  @Idempotent()
  @ApiOperation({ summary: 'Generate a report and wait for it' })
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiHeader({
    name: 'Prefer',
    required: false,
    description: '`wait=N`: seconds to wait, up to 60 (default 30). `respond-async`: do not wait.',
  })
  @ApiBody({ required: true, examples: reportRequestExamples('sync') })
  @ApiResponse({ status: 200, description: 'The report', standardSchema: syncAnswerSchema })
  @ApiResponse({
    status: 202,
    description: 'Not finished in time; the request continues, and `Location` shows it',
    standardSchema: syncAnswerSchema,
  })
  async sync(
    @Body({ schema: syncBody }) request: ReportRequest,
    @Headers('prefer') prefer: string | undefined,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
    @HasScope(JOURNAL_SCOPE) mayReadBooks: boolean,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    checkReportAccess([request.report], mayReadBooks);
    const { waitMs, applied } = preferenceOf(prefer);
    const { requestId, isFinished, body } = await this.syncRequests.run(request, key, account, waitMs);
    if (!isFinished) response.status(202).location(`/api/requests/${requestId}`);
    if (applied !== null) response.setHeader('Preference-Applied', applied);
    return body;
  }

  @Post('async')
  @Unrecorded()
  @NeedsScope('reports:write')
  @HttpCode(202)
  @RateLimited('async')
  @Idempotent()
  @ApiOperation({
    summary: 'Request a report; it is generated in the order of its lane and announced to the callback URL',
  })
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiBody({ required: true, examples: reportRequestExamples('async') })
  @ApiResponse({ status: 202, description: 'Accepted and durable', standardSchema: acknowledgementSchema })
  async async(
    @Body({ schema: asyncBody }) request: ReportRequest,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
    @HasScope(JOURNAL_SCOPE) mayReadBooks: boolean,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    checkReportAccess([request.report], mayReadBooks);
    const { requestId, body } = await this.asyncRequests.accept(request, key, account);
    // `location()` would search the URL for characters to escape.
    response.setHeader('Location', `/api/requests/${requestId}`);
    return body;
  }

  @Post('batch')
  @Unrecorded()
  @NeedsScope('reports:write')
  @HttpCode(202)
  @RateLimited('async')
  @CountedItems({ field: 'requests', max: BATCH_LIMIT })
  @Idempotent()
  @ApiOperation({ summary: 'Request up to 1,000 reports, all or none, at consecutive positions of their lanes' })
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiBody({ required: true, examples: batchExamples })
  @ApiResponse({ status: 202, description: 'All accepted and durable', standardSchema: batchAnswerSchema })
  async batch(
    @Body({ schema: batchBody }) { requests }: BatchBody,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
    @HasScope(JOURNAL_SCOPE) mayReadBooks: boolean,
  ): Promise<object> {
    checkReportAccess(new Set(requests.map(({ report }) => report)), mayReadBooks);
    return this.asyncRequests.acceptBatch(requests, key, account);
  }

  @Post('requests/:id/cancel')
  @Action('request.cancel')
  @NeedsScope('reports:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a pending request, or a report over the books in progress' })
  @ApiParam(ID_PARAM)
  @ApiResponse({ status: 200, description: 'Cancelled', standardSchema: cancelledSchema })
  @ApiResponse({ status: 404, description: 'Request not found' })
  @ApiResponse({ status: 409, description: 'The request can no longer be cancelled' })
  cancel(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.cancelling.cancel(id, account);
  }
}

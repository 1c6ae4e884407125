import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { Action } from '../../../http/action.decorators.js';
import { NeedsScope, OwnAccount } from '../../../http/auth.decorators.js';
import type { AccountId } from '../../../platform/tenant.js';
import {
  PERIOD,
  type PeriodsQuery,
  type PeriodView,
  periodPage,
  periodParam,
  periodView,
  periodsQuery,
} from './periods.schema.js';
import { PeriodsService } from './periods.service.js';

const PERIOD_PARAM = {
  name: 'period',
  schema: { type: 'string', pattern: PERIOD.source },
  example: '2026-03',
};

@ApiTags('books')
@Controller('api/periods')
export class PeriodsController {
  constructor(private readonly periods: PeriodsService) {}

  @Get()
  @NeedsScope('books:read')
  @ApiOperation({
    summary: 'List the months of the books, newest first',
    description: 'From the month of the first entry to this month or that of the last entry; months are in UTC.',
  })
  @ApiOkResponse({ standardSchema: periodPage })
  list(@Query({ schema: periodsQuery }) query: PeriodsQuery, @OwnAccount() account: AccountId): Promise<object> {
    return this.periods.list(account, query);
  }

  @Post(':period/close')
  @Action('period.close')
  @NeedsScope('books:write')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Close a month: nothing can be posted into it from now on',
    description: 'Postings in flight are either part of the month when this returns, or refused.',
  })
  @ApiParam(PERIOD_PARAM)
  @ApiOkResponse({ standardSchema: periodView })
  close(
    @Param('period', { schema: periodParam }) period: string,
    @OwnAccount() account: AccountId,
  ): Promise<PeriodView> {
    return this.periods.close(account, period);
  }

  @Post(':period/reopen')
  @Action('period.reopen')
  @NeedsScope('admin')
  @HttpCode(200)
  @ApiOperation({ summary: 'Reopen a closed month (operators)' })
  @ApiParam(PERIOD_PARAM)
  @ApiOkResponse({ standardSchema: periodView })
  reopen(
    @Param('period', { schema: periodParam }) period: string,
    @OwnAccount() account: AccountId,
  ): Promise<PeriodView> {
    return this.periods.reopen(account, period);
  }
}

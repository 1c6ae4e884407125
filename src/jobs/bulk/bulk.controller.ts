import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import type { Response } from 'express';
import {
  ApiConflictResponse,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { redeliveryJob } from '../../callbacks/redelivery/redeliveries.schema.js';
import { Action } from '../../http/action.decorators.js';
import { NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import type { AccountId } from '../../platform/tenant.js';
import { type BulkBody, bulkBody, bulkCount } from './bulk.schema.js';
import { BulkService } from './bulk.service.js';

@ApiTags('requests')
@Controller('api/requests/bulk')
export class BulkController {
  constructor(private readonly bulk: BulkService) {}

  @Post()
  @Action('request.bulk', ['action', 'filter', 'dry_run'])
  @NeedsScope('reports:write')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Cancel, delete or redeliver all requests that match a filter, or count them',
    description:
      'Up to 100,000 requests a call. `cancel` and `delete` answer when they are done; a call that fails has changed some, and ' +
      'can be repeated. `redeliver` starts a job, as `POST /api/callbacks/redeliver` does.',
  })
  @ApiOkResponse({ description: 'Done, or counted', standardSchema: bulkCount })
  @ApiResponse({ status: 202, description: 'The redelivery was added', standardSchema: redeliveryJob })
  @ApiConflictResponse({ description: 'Too many redeliveries are running' })
  @ApiUnprocessableEntityResponse({ description: 'A value is not allowed, or too many requests match' })
  async run(
    @Body({ schema: bulkBody }) body: BulkBody,
    @OwnAccount() account: AccountId,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const answer = await this.bulk.run(body, account);
    if ('id' in answer) response.status(202).location(`/api/callbacks/redeliveries/${answer.id}`);
    return answer;
  }
}

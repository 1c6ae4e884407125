import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import type { AccountId } from '../../platform/tenant.js';
import {
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import { NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import {
  type RedeliverBody,
  type RedeliveriesQuery,
  cancelledRedelivery,
  redeliverBody,
  redeliveriesQuery,
  redeliveryJob,
  redeliveryPage,
} from './redeliveries.schema.js';
import { RedeliveriesService } from './redeliveries.service.js';

const NOT_FOUND = { description: 'Redelivery not found' };

@ApiTags('callbacks')
@Controller('api/callbacks')
export class RedeliveriesController {
  constructor(private readonly redeliveries: RedeliveriesService) {}

  @Post('redeliver')
  @Action('redelivery.create', ['status', 'destination', 'since', 'until'])
  @NeedsScope('reports:write')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Send all matching callbacks again, each with a new retry schedule',
    description:
      'Pending callbacks do not match. Workers make the matching ones due page by page and wait while earlier pages are ' +
      'being sent, so that callbacks of new reports are not delayed.',
  })
  @ApiResponse({ status: 202, description: 'The job was added', standardSchema: redeliveryJob })
  @ApiConflictResponse({ description: 'Too many redeliveries are running' })
  @ApiUnprocessableEntityResponse({
    description: 'A value is not allowed, there is no filter, or too many callbacks match',
  })
  async redeliver(
    @Body({ schema: redeliverBody }) filter: RedeliverBody,
    @OwnAccount() account: AccountId,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const job = await this.redeliveries.add({ ...filter, account });
    response.setHeader('Location', `/api/callbacks/redeliveries/${job.id}`);
    return job;
  }

  @Get('redeliveries')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List redeliveries, newest first' })
  @ApiOkResponse({ standardSchema: redeliveryPage })
  list(
    @Query({ schema: redeliveriesQuery }) { limit, cursor }: RedeliveriesQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.redeliveries.list(account, limit, cursor);
  }

  @Get('redeliveries/:id')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'Get the progress of a redelivery' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: redeliveryJob })
  @ApiNotFoundResponse(NOT_FOUND)
  find(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.redeliveries.find(id, account);
  }

  @Post('redeliveries/:id/cancel')
  @Action('redelivery.cancel')
  @NeedsScope('reports:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a redelivery; callbacks that are already due are still sent' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: cancelledRedelivery })
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse({ description: 'The redelivery has already ended' })
  cancel(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.redeliveries.cancel(id, account);
  }
}

import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import type { AccountId } from '../../platform/tenant.js';
import {
  ApiBadRequestResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import { IsOperator, NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import { type DeliveriesQuery, deliveriesQuery, deliveryPage, redelivery } from './callback-deliveries.schema.js';
import { CallbackDeliveriesService } from './callback-deliveries.service.js';
import { type PingBody, pingBody, pingTrace } from './ping.schema.js';
import { PingService } from './ping.service.js';

@ApiTags('callbacks')
@Controller('api')
export class CallbackDeliveriesController {
  constructor(
    private readonly deliveries: CallbackDeliveriesService,
    private readonly pings: PingService,
  ) {}

  @Get('callbacks')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List callbacks, newest first' })
  @ApiOkResponse({ standardSchema: deliveryPage })
  list(
    @Query({ schema: deliveriesQuery }) { cursor, ...filter }: DeliveriesQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.deliveries.list({ ...filter, account, beforeId: cursor });
  }

  @Post('callbacks/test')
  @Action('callback.ping', ['url'])
  @NeedsScope('reports:write')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Send one signed ping to a receiver and return its trace',
    description:
      'The body is `{"type": "ping", "timestamp": "…", "account": "…"}`. The response is 200 for any answer of the receiver, and for none; ' +
      '`outcome` says whether the ping succeeded. A ping is not stored.',
  })
  @ApiOkResponse({ standardSchema: pingTrace, description: 'The trace of the ping, whether or not it was sent' })
  @ApiBadRequestResponse({ description: 'The URL may not be called' })
  @ApiUnprocessableEntityResponse({ description: 'A value is not allowed' })
  ping(
    @Body({ schema: pingBody }) { url }: PingBody,
    @OwnAccount() account: AccountId,
    @IsOperator() isOperator: boolean,
  ): Promise<object> {
    return this.pings.ping(url, account, isOperator);
  }

  @Post('requests/:id/redeliver')
  @Action('request.redeliver')
  @NeedsScope('reports:write')
  @HttpCode(202)
  @ApiOperation({ summary: 'Redeliver the callback of a request, with its whole retry schedule' })
  @ApiParam(ID_PARAM)
  @ApiResponse({ status: 202, description: 'The callback is scheduled', standardSchema: redelivery })
  @ApiResponse({ status: 404, description: 'Request not found' })
  @ApiResponse({ status: 409, description: 'The request has no callback' })
  redeliver(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.deliveries.redeliver(id, account);
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import { Body, Controller, Delete, Get, Headers, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiBody,
  ApiInternalServerErrorResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { Action, Unrecorded } from '../../http/action.decorators.js';
import { NeedsScope } from '../../http/auth.decorators.js';
import { Unlimited } from '../../http/rate-limit.decorators.js';
import {
  CALLBACK_EXAMPLE,
  FAILURES_EXAMPLE,
  demoCallback,
  failureSettingsBody,
  failureSettingsQuery,
  historyQuery,
  type DemoCallback,
  type FailureSettings,
  type HistoryQuery,
} from './demo-receiver.schema.js';
import { SimulatedFailure } from './demo-receiver.errors.js';
import { DemoReceiverService, type FailureState, type ReceivedCallback } from './demo-receiver.service.js';

const RECEIVED_EXAMPLE = {
  headers: {
    'webhook-id': 'msg_0195a0c17e2b7cc09f7e3d0f2a9b1c55',
    'webhook-timestamp': '1772366400',
    'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
    'x-request-id': '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55',
    'x-attempt-number': '1',
  },
  body: CALLBACK_EXAMPLE,
  received_at: '2026-03-01T12:00:00.120Z',
};

/** The built-in callback receiver for development. Off with `AUTH=required`. */
@ApiTags('callbacks')
@NeedsScope('admin')
@Controller('api/callbacks')
export class DemoReceiverController {
  constructor(private readonly receiver: DemoReceiverService) {}

  /** Exempt from rate limits: the service delivers callbacks to it at full rate, and a 429 would be final. */
  @Post('receive')
  @Unrecorded()
  @Unlimited()
  @HttpCode(200)
  @ApiOperation({ summary: 'Receive a callback' })
  @ApiOkResponse({ example: { received: true, received_at: RECEIVED_EXAMPLE.received_at } })
  @ApiInternalServerErrorResponse({ description: 'A simulated failure' })
  receive(
    @Headers() headers: IncomingHttpHeaders,
    @Body({ schema: demoCallback }) body: DemoCallback,
  ): { received: true; received_at: string } {
    const callback = this.receiver.receive(headers, body);
    if (!callback) throw new SimulatedFailure();
    return { received: true, received_at: callback.received_at };
  }

  @Get('history')
  @ApiOperation({ summary: 'List the received callbacks in order of arrival; the newest 1,000 are kept' })
  @ApiOkResponse({ example: { total: 1, callbacks: [RECEIVED_EXAMPLE] } })
  history(@Query({ schema: historyQuery }) { limit }: HistoryQuery): { total: number; callbacks: ReceivedCallback[] } {
    return this.receiver.history(limit);
  }

  @Delete('history')
  @Action('demo_receiver.clear')
  @ApiOperation({ summary: 'Delete the received callbacks' })
  @ApiOkResponse({ example: { deleted: true, count: 1 } })
  clear(): { deleted: true; count: number } {
    return { deleted: true, count: this.receiver.clear() };
  }

  @Get('simulate-failures')
  @ApiOperation({ summary: 'Get the rate of simulated failures' })
  @ApiOkResponse({ example: FAILURES_EXAMPLE })
  showFailures(): FailureState {
    return this.receiver.failureState();
  }

  @Post('simulate-failures')
  @Action('demo_receiver.simulate_failures', ['enabled', 'failure_rate'])
  @HttpCode(200)
  @ApiOperation({ summary: 'Set the rate of simulated failures, in the body or the query' })
  @ApiBody({ required: false })
  @ApiOkResponse({ example: FAILURES_EXAMPLE })
  @ApiUnprocessableEntityResponse({ description: 'A value is not allowed' })
  setFailures(
    @Body({ schema: failureSettingsBody }) body: FailureSettings | undefined,
    @Query({ schema: failureSettingsQuery }) query: FailureSettings,
  ): FailureState {
    return this.receiver.simulateFailures(body?.enabled === undefined ? query : body);
  }
}

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
  clearedHistory,
  demoCallback,
  failureSettingsBody,
  failureSettingsQuery,
  failureView,
  historyQuery,
  historyView,
  receipt,
  type DemoCallback,
  type FailureSettings,
  type HistoryQuery,
} from './demo-receiver.schema.js';
import { SimulatedFailure } from './demo-receiver.errors.js';
import { DemoReceiverService, type FailureState, type ReceivedCallback } from './demo-receiver.service.js';

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
  @ApiOkResponse({ standardSchema: receipt })
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
  @ApiOkResponse({ standardSchema: historyView })
  history(@Query({ schema: historyQuery }) { limit }: HistoryQuery): { total: number; callbacks: ReceivedCallback[] } {
    return this.receiver.history(limit);
  }

  @Delete('history')
  @Action('demo_receiver.clear')
  @ApiOperation({ summary: 'Delete the received callbacks' })
  @ApiOkResponse({ standardSchema: clearedHistory })
  clear(): { deleted: true; count: number } {
    return { deleted: true, count: this.receiver.clear() };
  }

  @Get('simulate-failures')
  @ApiOperation({ summary: 'Get the rate of simulated failures' })
  @ApiOkResponse({ standardSchema: failureView })
  showFailures(): FailureState {
    return this.receiver.failureState();
  }

  @Post('simulate-failures')
  @Action('demo_receiver.simulate_failures', ['enabled', 'failure_rate'])
  @HttpCode(200)
  @ApiOperation({ summary: 'Set the rate of simulated failures, in the body or the query' })
  @ApiBody({ required: false })
  @ApiOkResponse({ standardSchema: failureView })
  @ApiUnprocessableEntityResponse({ description: 'A value is not allowed' })
  setFailures(
    @Body({ schema: failureSettingsBody }) body: FailureSettings | undefined,
    @Query({ schema: failureSettingsQuery }) query: FailureSettings,
  ): FailureState {
    return this.receiver.simulateFailures(body?.enabled === undefined ? query : body);
  }
}

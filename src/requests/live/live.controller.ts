import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import {
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { NeedsScope } from '../../http/auth.decorators.js';
import { Caller } from '../../http/caller.js';
import { sendEvents } from '../../http/event-stream.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import { RequestsService } from '../requests.service.js';
import { type LiveQuery, liveQuery } from './live.schema.js';
import { LiveService } from './live.service.js';
import { OpenStreams } from './open-streams.js';

const STREAM = {
  description: 'Server-Sent Events',
  content: { 'text/event-stream': { schema: { type: 'string' } } },
} as const;
const TOO_MANY = { status: 429, description: 'The caller or its account has too many event streams open' };
const BUSY = { status: 503, description: 'The process has too many event streams open' };

/** Live state of requests, as server-sent events. */
@ApiTags('requests')
@NeedsScope('reports:read')
@Controller('api')
export class LiveController {
  constructor(
    private readonly live: LiveService,
    private readonly requests: RequestsService,
    private readonly streams: OpenStreams,
  ) {}

  @Get('live')
  @ApiOperation({
    summary: 'Stream the newest requests and the lanes (SSE): one `state` event, then `change` events',
    description:
      '`state` is `{version, requests, lanes}`, as in the lists. `change` has the entries that changed since the last event, and `removed: {requests, lanes}` with the ids and names that left the view. After a reconnect the state comes again.',
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse(STREAM)
  @ApiResponse(TOO_MANY)
  @ApiResponse(BUSY)
  view(
    @Query({ schema: liveQuery }) query: LiveQuery,
    @Caller() caller: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const filter = { ...query, account: caller.account, isOperator: caller.isOperator };
    return this.streams.run(caller, (ended) => sendEvents(response, (closed) => this.live.view(filter, closed), ended));
  }

  @Get('requests/:id/events')
  @ApiOperation({
    summary: 'Stream the history of a request (SSE), from its acceptance to its last callback attempt, then one `end`',
  })
  @ApiParam(ID_PARAM)
  @ApiProduces('text/event-stream')
  @ApiOkResponse(STREAM)
  @ApiResponse({ status: 204, description: 'The client has the last event: `Last-Event-ID` is its id' })
  @ApiNotFoundResponse({ description: 'Request not found' })
  @ApiResponse(TOO_MANY)
  @ApiResponse(BUSY)
  async events(
    @Param('id', { schema: idParam }) id: string,
    @Caller() caller: Caller,
    @Headers('last-event-id') lastId: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const { account } = caller;
    await this.requests.find(id, account);
    await this.streams.run(caller, (ended) =>
      sendEvents(response, (closed) => this.live.history(id, account, lastId, closed), ended),
    );
  }
}

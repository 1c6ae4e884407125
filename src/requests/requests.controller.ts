import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import type { AccountId } from '../platform/tenant.js';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Action } from '../http/action.decorators.js';
import { NeedsScope, OwnAccount } from '../http/auth.decorators.js';
import { ID_PARAM, idParam } from '../http/fields/id-param.js';
import {
  type ListQuery,
  callbackLogs,
  listQuery,
  removedMany,
  removedOne,
  requestDetail,
  requestPage,
} from './requests.schema.js';
import { selectionOf } from './search/request-selection.js';
import { RequestsService } from './requests.service.js';

const NOT_FOUND = { description: 'Request not found' };

@ApiTags('requests')
@Controller('api/requests')
export class RequestsController {
  constructor(private readonly requests: RequestsService) {}

  @Get()
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List requests, newest first by default' })
  @ApiOkResponse({ standardSchema: requestPage })
  list(
    @Query({ schema: listQuery }) { limit, cursor, order, ...filter }: ListQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.requests.list(selectionOf(filter, account), cursor, limit, order);
  }

  @Get(':id')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'Get a request with the attempts to deliver its callback' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: requestDetail })
  @ApiNotFoundResponse(NOT_FOUND)
  detail(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.requests.detail(id, account);
  }

  @Get(':id/callback-logs')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List the attempts to deliver the callback of a request' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: callbackLogs })
  @ApiNotFoundResponse(NOT_FOUND)
  logs(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.requests.callbackLogs(id, account);
  }

  @Delete(':id')
  @Action('request.delete')
  @NeedsScope('reports:write')
  @ApiOperation({ summary: 'Delete a finished request with its callback logs and file' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: removedOne })
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiResponse({ status: 409, description: 'The request is unfinished, or its callback is still due' })
  async remove(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    await this.requests.remove(id, account);
    return { deleted: true, id };
  }

  @Delete()
  @Action('request.delete_all')
  @NeedsScope('reports:write')
  @ApiOperation({ summary: 'Delete all finished requests without a callback due, with their callback logs and files' })
  @ApiOkResponse({ standardSchema: removedMany })
  async removeFinished(@OwnAccount() account: AccountId): Promise<object> {
    return { deleted: true, count: await this.requests.removeFinished({ account }) };
  }
}

import { Controller, Get, Query } from '@nestjs/common';
import { ApiForbiddenResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../../http/auth.decorators.js';
import { Caller } from '../../http/caller.js';
import { type ActionsQuery, actionPage, actionsQuery } from './actions.schema.js';
import { ActionsService } from './actions.service.js';

@ApiTags('actions')
@Controller('api/actions')
export class ActionsController {
  constructor(private readonly actions: ActionsService) {}

  @Get()
  @NeedsScope('reports:read')
  @ApiOperation({
    summary: 'List actions, newest first: who changed what, and when',
    description:
      'Every write is recorded, except the creation of requests. Keys with the scope `admin` see the actions of all accounts, ' +
      'or those of the account in `Daybook-Account`; other keys see those of their own account.',
  })
  @ApiOkResponse({ standardSchema: actionPage })
  @ApiForbiddenResponse({
    description: 'The API key lacks the scope `reports:read`, or with `AUTH=open` the caller is on another machine',
  })
  list(
    @Query({ schema: actionsQuery }) { cursor, ...filter }: ActionsQuery,
    @Caller() caller: Caller,
  ): Promise<object> {
    return this.actions.list(caller, { ...filter, beforeId: cursor });
  }
}

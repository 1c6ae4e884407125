import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import type { AccountId } from '../../platform/tenant.js';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import { IsOperator, NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { URL_NAME_PATTERN } from '../../http/fields/url-name.js';
import {
  type LanePriorityBody,
  type LanesQuery,
  lanePage,
  laneParam,
  lanePriorityBody,
  lanesQuery,
  pausedSchema,
  prioritySchema,
} from '../jobs.schema.js';
import { LanesService } from './lanes.service.js';
import type { LaneView } from './lane.repository.js';

const LANE = { name: 'lane', schema: { type: 'string', pattern: URL_NAME_PATTERN.source } };

@ApiTags('lanes')
@Controller('api/lanes')
export class LanesController {
  constructor(private readonly lanes: LanesService) {}

  @Get()
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List lanes by name, with their backlogs' })
  @ApiOkResponse({ standardSchema: lanePage })
  async list(
    @Query({ schema: lanesQuery }) { after = '', limit }: LanesQuery,
    @OwnAccount() account: AccountId,
    @IsOperator() isOperator: boolean,
  ): Promise<{ lanes: LaneView[] }> {
    return { lanes: await this.lanes.list(account, after, limit, isOperator) };
  }

  @Post(':lane/pause')
  @Action('lane.pause')
  @NeedsScope('reports:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'Pause a lane: it accepts requests and does not run them' })
  @ApiParam(LANE)
  @ApiOkResponse({ standardSchema: pausedSchema })
  pause(@Param('lane', { schema: laneParam }) lane: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.lanes.setPaused(account, lane, true);
  }

  @Post(':lane/resume')
  @Action('lane.resume')
  @NeedsScope('reports:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a paused lane' })
  @ApiParam(LANE)
  @ApiOkResponse({ standardSchema: pausedSchema })
  resume(@Param('lane', { schema: laneParam }) lane: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.lanes.setPaused(account, lane, false);
  }

  @Put(':lane')
  @Action('lane.prioritize', ['priority'])
  @NeedsScope('admin')
  @ApiOperation({ summary: 'Set the priority of a lane' })
  @ApiParam(LANE)
  @ApiBody({
    required: true,
    examples: { sooner: { summary: 'As if it had waited a minute longer', value: { priority: 60 } } },
  })
  @ApiOkResponse({ standardSchema: prioritySchema })
  setPriority(
    @Param('lane', { schema: laneParam }) lane: string,
    @Body({ schema: lanePriorityBody }) { priority }: LanePriorityBody,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.lanes.setPriority(account, lane, priority);
  }
}

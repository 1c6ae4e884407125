import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Action } from '../http/action.decorators.js';
import { HasScope, NeedsScope, OwnAccount } from '../http/auth.decorators.js';
import { JOURNAL_SCOPE } from '../reports/report-access.js';
import { ID_PARAM, idParam } from '../http/fields/id-param.js';
import { IDEMPOTENCY_HEADER, IdempotencyKey, Idempotent } from '../http/idempotency-key.js';
import { RateLimited } from '../http/rate-limit.decorators.js';
import { writtenFields } from '../http/written-fields.js';
import type { AccountId } from '../platform/tenant.js';
import {
  type ChangeScheduleBody,
  type RunsQuery,
  type ScheduleFields,
  type SchedulesQuery,
  changeScheduleBody,
  changedSchedule,
  createScheduleBody,
  deletedSchedule,
  runPage,
  runsQuery,
  schedulePage,
  scheduleRun,
  scheduleView,
  schedulesQuery,
} from './schedule.schema.js';
import { SchedulesService } from './schedules.service.js';

const NOT_FOUND = { description: 'Schedule not found' };
const SHOWN = 'Callers without the scope `reports:read` get only the fields that the request sets';
const RECORDED = ['name', 'report', 'period', 'every', 'on', 'at', 'timezone', 'lane', 'callback_url', 'is_active'];

@ApiTags('schedules')
@Controller('api/schedules')
export class SchedulesController {
  constructor(private readonly schedules: SchedulesService) {}

  @Post()
  @NeedsScope('reports:write')
  @Action('schedule.create', RECORDED)
  @Idempotent()
  @ApiOperation({
    summary: 'Have a report accepted at recurring times',
    description:
      'Each due time is accepted once, as by `POST /api/async`. Up to 31 due times that were missed are caught up. ' +
      'One that cannot be accepted, because its lane is full for example, stays due.',
  })
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiCreatedResponse({ standardSchema: scheduleView })
  @ApiConflictResponse({ description: 'The account has too many schedules' })
  create(
    @Body({ schema: createScheduleBody }) fields: ScheduleFields,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
    @HasScope(JOURNAL_SCOPE) mayReadBooks: boolean,
  ): Promise<object> {
    return this.schedules.create(account, fields, key, mayReadBooks);
  }

  @Get()
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List schedules, newest first' })
  @ApiOkResponse({ standardSchema: schedulePage })
  list(@Query({ schema: schedulesQuery }) query: SchedulesQuery, @OwnAccount() account: AccountId): Promise<object> {
    return this.schedules.list(account, query);
  }

  @Get(':id')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'Get a schedule with its next due times and its last run' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: scheduleView })
  @ApiNotFoundResponse(NOT_FOUND)
  view(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.schedules.view(account, id);
  }

  @Patch(':id')
  @NeedsScope('reports:write')
  @Action('schedule.change', RECORDED)
  @ApiOperation({
    summary: 'Change a schedule',
    description:
      'A schedule that is due at other times now, or active again, is next due after now. ' +
      'Without such a change, a due time that waits keeps waiting.',
  })
  @ApiParam(ID_PARAM)
  @ApiBody({ required: true })
  @ApiOkResponse({ description: SHOWN, standardSchema: changedSchedule })
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse({ description: 'The schedule was changed at the same time' })
  async change(
    @Param('id', { schema: idParam }) id: string,
    @Body({ schema: changeScheduleBody }) body: ChangeScheduleBody,
    @OwnAccount() account: AccountId,
    @HasScope('reports:read') mayRead: boolean,
    @HasScope(JOURNAL_SCOPE) mayReadBooks: boolean,
  ): Promise<object> {
    const schedule = await this.schedules.change(account, id, body, mayReadBooks);
    return mayRead ? schedule : writtenFields(schedule, body, ['id', 'updated_at']);
  }

  @Delete(':id')
  @NeedsScope('reports:write')
  @Action('schedule.delete')
  @ApiOperation({ summary: 'Delete a schedule with its runs; the requests of the runs stay' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: deletedSchedule })
  @ApiNotFoundResponse(NOT_FOUND)
  remove(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.schedules.remove(account, id);
  }

  @Get(':id/runs')
  @NeedsScope('reports:read')
  @ApiOperation({ summary: 'List the runs of a schedule, newest first' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: runPage })
  @ApiNotFoundResponse(NOT_FOUND)
  runs(
    @Param('id', { schema: idParam }) id: string,
    @Query({ schema: runsQuery }) query: RunsQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.schedules.runs(account, id, query);
  }

  @Post(':id/run')
  @NeedsScope('reports:write')
  @Action('schedule.run')
  @HttpCode(200)
  @RateLimited('async')
  @Idempotent()
  @ApiOperation({
    summary: 'Run a schedule now, also one that is not active',
    description: 'Its due times stay as they are. `Location` is the request.',
  })
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ description: 'The request is accepted and durable', standardSchema: scheduleRun })
  @ApiNotFoundResponse(NOT_FOUND)
  async run(
    @Param('id', { schema: idParam }) id: string,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const run = await this.schedules.run(account, id, key);
    response.setHeader('Location', `/api/requests/${run.request_id}`);
    return run;
  }
}

import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Action } from '../http/action.decorators.js';
import { NeedsScope } from '../http/auth.decorators.js';
import { sendEvents } from '../http/event-stream.js';
import { ID_PARAM, idParam } from '../http/fields/id-param.js';
import {
  type RunSettings,
  type RunsQuery,
  SETTINGS_EXAMPLE,
  type Settings,
  asyncReport,
  bothReport,
  runBody,
  runExamples,
  runList,
  runView,
  runsQuery,
  settingsBody,
  syncReport,
} from './benchmark.schema.js';
import { BenchmarkService } from './benchmark.service.js';
import type { LoadMode } from './engine/load-plan.js';

const SETTINGS = { required: false, examples: { small: { summary: 'A hundred requests', value: SETTINGS_EXAMPLE } } };
const BUSY = { status: 409, description: 'Another run is in progress' };
const NOT_FOUND = { status: 404, description: 'Benchmark run not found' };

/** Settings of a run in the action log. */
const RUN_FIELDS = ['mode', 'num_requests', 'concurrency', 'rate'];

/** The load test, which measures this service from outside. */
@ApiTags('benchmark')
@NeedsScope('admin')
@Controller('api/benchmark')
export class BenchmarkController {
  constructor(private readonly benchmark: BenchmarkService) {}

  @Post('sync')
  @Action('benchmark.run', RUN_FIELDS)
  @HttpCode(200)
  @ApiOperation({ summary: 'Measure sync requests and wait for the result' })
  @ApiBody(SETTINGS)
  @ApiOkResponse({ standardSchema: syncReport })
  @ApiResponse(BUSY)
  sync(@Body({ schema: settingsBody }) settings: Settings, @Req() request: Request): Promise<object> {
    return this.measure('sync', settings, request);
  }

  @Post('async')
  @Action('benchmark.run', RUN_FIELDS)
  @HttpCode(200)
  @ApiOperation({ summary: 'Measure async requests and their callbacks, and wait for the result' })
  @ApiBody(SETTINGS)
  @ApiOkResponse({ standardSchema: asyncReport })
  @ApiResponse(BUSY)
  async(@Body({ schema: settingsBody }) settings: Settings, @Req() request: Request): Promise<object> {
    return this.measure('async', settings, request);
  }

  @Post('both')
  @Action('benchmark.run', RUN_FIELDS)
  @HttpCode(200)
  @ApiOperation({ summary: 'Measure sync, then async, compare them, and wait for the result' })
  @ApiBody(SETTINGS)
  @ApiOkResponse({ standardSchema: bothReport })
  @ApiResponse(BUSY)
  both(@Body({ schema: settingsBody }) settings: Settings, @Req() request: Request): Promise<object> {
    return this.measure('both', settings, request);
  }

  @Post('runs')
  @Action('benchmark.run', RUN_FIELDS)
  @HttpCode(202)
  @ApiOperation({ summary: 'Start a run in the background' })
  @ApiBody({ required: false, examples: runExamples })
  @ApiResponse({ status: 202, description: 'The run has started; `Location` is its URL', standardSchema: runView })
  @ApiResponse(BUSY)
  async begin(
    @Body({ schema: runBody }) settings: RunSettings,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const { view, id, ended } = await this.benchmark.begin(settings, request.header('Authorization'));
    // The outcome is in the run and in the log.
    ended.catch(() => undefined);
    response.location(`/api/benchmark/runs/${id}`);
    return view;
  }

  @Get('runs')
  @ApiOperation({ summary: 'List the runs, newest first' })
  @ApiOkResponse({ standardSchema: runList })
  list(@Query({ schema: runsQuery }) { limit }: RunsQuery): Promise<object> {
    return this.benchmark.list(limit);
  }

  @Get('runs/:id')
  @ApiOperation({ summary: 'Get the progress and the result of a run' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: runView })
  @ApiResponse(NOT_FOUND)
  detail(@Param('id', { schema: idParam }) id: string): Promise<object> {
    return this.benchmark.view(id);
  }

  @Post('runs/:id/cancel')
  @Action('benchmark.cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a run' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: runView })
  @ApiResponse(NOT_FOUND)
  @ApiResponse({ status: 409, description: 'The run has already ended' })
  cancel(@Param('id', { schema: idParam }) id: string): Promise<object> {
    return this.benchmark.cancel(id);
  }

  @Get('runs/:id/events')
  @ApiOperation({ summary: 'Stream the state of a run (SSE): `progress` events, then one `end`' })
  @ApiParam(ID_PARAM)
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'Server-Sent Events',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiResponse({ status: 204, description: 'The client has the last event: `Last-Event-ID` is its id' })
  @ApiResponse(NOT_FOUND)
  async events(@Param('id', { schema: idParam }) id: string, @Res() response: Response): Promise<void> {
    await this.benchmark.find(id);
    await sendEvents(response, () => this.benchmark.events(id));
  }

  private async measure(mode: LoadMode, settings: Settings, request: Request): Promise<object> {
    const defaults = { report: 'transactions', iterations: 1, duration_seconds: 1, ramp_seconds: 0 } as const;
    const { ended } = await this.benchmark.begin({ mode, ...settings, ...defaults }, request.header('Authorization'));
    return ended;
  }
}

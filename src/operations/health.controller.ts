import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { IsOperator, NeedsNoKey, ShowsMoreToOperators } from '../http/auth.decorators.js';
import { Unlimited } from '../http/rate-limit.decorators.js';
import { HealthReports } from './health-report.service.js';
import { type HealthReport, type PublicHealth, healthReport, publicHealth } from './health-report.js';
import { type Health, HealthService } from './health.service.js';

const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded']),
    queue_depth: z.int().nullable(),
    active_workers: z.int().nullable().describe('Workers that run a lane or a sync request now'),
    workers: z.int().nullable().describe('Worker processes that are alive'),
    db_connected: z.boolean(),
    uptime_seconds: z.int(),
  })
  .meta({ id: 'Health' });
const readySchema = z
  .object({
    ready: z.boolean(),
    cause: z.string().optional().describe('Why the process is not ready: `stopping`, `disk-low`, or `database-…`'),
  })
  .meta({ id: 'Readiness' });

const healthAnswer = z.union([healthReport, publicHealth]).meta({ id: 'HealthAnswer' });

@ApiTags('operations')
@Unlimited()
@NeedsNoKey()
@Controller()
export class HealthController {
  constructor(
    private readonly service: HealthService,
    private readonly reports: HealthReports,
  ) {}

  @Get('api/health')
  @ShowsMoreToOperators(true)
  @ApiOperation({
    summary: 'The state of every dependency, for operators; for other callers only `status`',
    description: 'Operators are callers with the scope `admin`, or with `AUTH=open` callers on this machine.',
  })
  @ApiOkResponse({ standardSchema: healthAnswer })
  async report(@IsOperator() isOperator: boolean): Promise<HealthReport | PublicHealth> {
    const report = await this.reports.read();
    return isOperator ? report : { status: report.status };
  }

  @Get('healthz')
  @ApiOperation({ summary: 'Liveness: the state of this process' })
  @ApiOkResponse({ standardSchema: healthSchema })
  health(): Promise<Health> {
    return this.service.health();
  }

  @Get('readyz')
  @ApiOperation({ summary: 'Readiness: whether this process should receive requests' })
  @ApiOkResponse({ standardSchema: readySchema })
  @ApiResponse({ status: 503, description: 'Not ready', standardSchema: readySchema })
  async ready(@Res({ passthrough: true }) response: Response): Promise<z.infer<typeof readySchema>> {
    const cause = await this.service.notReady();
    if (cause === null) return { ready: true };
    response.status(503);
    return { ready: false, cause };
  }
}

import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsNoKey } from '../http/auth.decorators.js';
import { Unlimited } from '../http/rate-limit.decorators.js';
import { type Health, HealthService } from './health.service.js';

const healthSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  queue_depth: z.int().nullable(),
  active_workers: z.int().nullable().describe('Workers that run a lane or a sync request now'),
  workers: z.int().nullable().describe('Worker processes that are alive'),
  db_connected: z.boolean(),
  uptime_seconds: z.int(),
});
const readySchema = z.object({
  ready: z.boolean(),
  cause: z.string().optional().describe('Why the process is not ready: `stopping`, `disk-low`, or `database-…`'),
});

@ApiTags('operations')
@Unlimited()
@NeedsNoKey()
@Controller()
export class HealthController {
  constructor(private readonly service: HealthService) {}

  @Get(['healthz', 'api/health'])
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

import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NeedsNoKey } from '../http/auth.decorators.js';
import { Unlimited } from '../http/rate-limit.decorators.js';
import { Metrics } from '../platform/observability/metrics.js';

/** The text format of Prometheus. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

@ApiTags('operations')
@Unlimited()
@NeedsNoKey()
@Controller()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get('metrics')
  @Header('Content-Type', CONTENT_TYPE)
  @ApiOperation({ summary: 'Metrics of this process for Prometheus' })
  @ApiOkResponse({ description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } })
  show(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}

import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AccountId } from '../../platform/tenant.js';
import { Action } from '../../http/action.decorators.js';
import { NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import {
  type DestinationsQuery,
  type EnableBody,
  destinationPage,
  destinationsQuery,
  enableBody,
  enabled,
} from './destinations.schema.js';
import { DestinationsService } from './destinations.service.js';

@ApiTags('callbacks')
@Controller('api/callbacks')
export class DestinationsController {
  constructor(private readonly destinations: DestinationsService) {}

  @Get('destinations')
  @NeedsScope('admin')
  @ApiOperation({
    summary: 'List destinations where callbacks of the account failed recently, with their breakers and disabled URLs',
  })
  @ApiOkResponse({ standardSchema: destinationPage })
  list(
    @Query({ schema: destinationsQuery }) { cursor, limit }: DestinationsQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.destinations.list(account, cursor, limit);
  }

  @Post('urls/enable')
  @Action('callback_url.enable', ['url'])
  @NeedsScope('admin')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enable a URL that answered 410 Gone to a callback of the account' })
  @ApiOkResponse({ standardSchema: enabled })
  @ApiResponse({ status: 404, description: 'The URL is not disabled' })
  enable(@Body({ schema: enableBody }) { url }: EnableBody, @OwnAccount() account: AccountId): Promise<object> {
    return this.destinations.enable(account, url);
  }
}

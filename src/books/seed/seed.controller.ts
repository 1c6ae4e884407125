import { Body, Controller, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import { NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { IdempotencyKey, Idempotent } from '../../http/idempotency-key.js';
import type { AccountId } from '../../platform/tenant.js';
import { type SeedBody, seedBody, seeded } from './seed.schema.js';
import { SeedService } from './seed.service.js';

@ApiTags('books')
@Controller('api/dev')
export class SeedController {
  constructor(private readonly seeds: SeedService) {}

  @Post('seed')
  @NeedsScope('books:write')
  @Action('books.seed', ['customers', 'orders_per_customer', 'items_per_order', 'seed'])
  @Idempotent()
  @ApiOperation({
    summary: 'Add generated customers and orders of all statuses, with their entries, all or nothing',
    description: 'For development and demonstrations. Seeding again adds more. Off with `NODE_ENV=production`.',
  })
  @ApiBody({ required: false })
  @ApiCreatedResponse({ standardSchema: seeded })
  @ApiForbiddenResponse({ description: 'The service runs in production' })
  @ApiConflictResponse({ description: 'A month of 2025 is closed, or another customer has one of the emails' })
  seed(
    @Body({ schema: seedBody }) body: SeedBody,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.seeds.seed(account, body, key);
  }
}

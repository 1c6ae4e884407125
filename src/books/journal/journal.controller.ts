import { Body, Controller, Get, Header, Param, Post, Query } from '@nestjs/common';
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
import { Action } from '../../http/action.decorators.js';
import { HasScope, NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { IDEMPOTENCY_HEADER, IdempotencyKey, Idempotent } from '../../http/idempotency-key.js';
import type { AccountId } from '../../platform/tenant.js';
import { type BalancesQuery, balancesQuery, balancesView } from './balances/balances.schema.js';
import { BalancesService } from './balances/balances.service.js';
import {
  type AdjustmentBody,
  type EntriesQuery,
  type EntryView,
  type ReversalBody,
  type ReversalView,
  adjustmentBody,
  entriesQuery,
  entryNumberParam,
  entryPage,
  entryView,
  reversalBody,
  reversalView,
} from './entries.schema.js';
import { JournalService } from './journal.service.js';

const NUMBER = { name: 'number', schema: { type: 'integer', minimum: 1 }, description: 'Number of the entry' };

@ApiTags('books')
@Controller('api/journal')
export class JournalController {
  constructor(
    private readonly journal: JournalService,
    private readonly balances: BalancesService,
  ) {}

  @Get('entries')
  @NeedsScope('books:read')
  @ApiOperation({
    summary: 'List journal entries, newest first',
    description: 'By number; with `from` or `to` by the time at which they count.',
  })
  @ApiOkResponse({ standardSchema: entryPage })
  list(@Query({ schema: entriesQuery }) query: EntriesQuery, @OwnAccount() account: AccountId): Promise<object> {
    return this.journal.list(account, query);
  }

  @Post('entries')
  @Action('journal.adjust', ['memo', 'effective_at'])
  @Idempotent()
  @ApiHeader(IDEMPOTENCY_HEADER)
  @NeedsScope('books:write')
  @ApiOperation({
    summary: 'Post an adjustment',
    description: 'Its lines sum to 0 in each currency. It cannot be changed.',
  })
  @ApiCreatedResponse({ standardSchema: entryView })
  @ApiConflictResponse({ description: 'The period is closed, or the books would have too many balances' })
  adjust(
    @Body({ schema: adjustmentBody }) body: AdjustmentBody,
    @OwnAccount() account: AccountId,
    @IdempotencyKey() key: IdempotencyKey | null,
  ): Promise<EntryView> {
    return this.journal.adjust(account, body, key);
  }

  @Post('entries/:number/reverse')
  @Action('journal.reverse', ['memo', 'effective_at'])
  @Idempotent()
  @ApiHeader(IDEMPOTENCY_HEADER)
  @NeedsScope('books:write')
  @ApiOperation({ summary: 'Post the reversal of an adjustment' })
  @ApiParam(NUMBER)
  @ApiBody({ required: false })
  @ApiCreatedResponse({
    description: 'Callers without the scope `books:read` do not get the lines',
    standardSchema: reversalView,
  })
  @ApiNotFoundResponse({ description: 'Entry not found' })
  @ApiConflictResponse({
    description:
      'The entry is reversed already, is a reversal, or belongs to an order or a booking; or the period is closed',
  })
  reverse(
    @Param('number', { schema: entryNumberParam }) number: string,
    @Body({ schema: reversalBody }) body: ReversalBody,
    @OwnAccount() account: AccountId,
    @IdempotencyKey() key: IdempotencyKey | null,
    @HasScope('books:read') mayRead: boolean,
  ): Promise<ReversalView> {
    const show = (entry: EntryView): ReversalView => (mayRead ? entry : { ...entry, lines: undefined });
    return this.journal.reverse(account, number, body, key, show);
  }

  @Get('balances')
  @NeedsScope('books:read')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @ApiOperation({
    summary: 'Get the balances of all ledger accounts: now, as of a time, or after an entry',
    description:
      'Balances after an entry never change. Those as of a time change with later postings into open periods.',
  })
  @ApiOkResponse({ standardSchema: balancesView })
  view(@Query({ schema: balancesQuery }) query: BalancesQuery, @OwnAccount() account: AccountId): Promise<string> {
    return this.balances.view(account, query);
  }
}

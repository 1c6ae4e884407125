import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Query,
  Res,
  applyDecorators,
} from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Action } from '../../http/action.decorators.js';
import { HasScope, NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { IDEMPOTENCY_HEADER, IdempotencyKey, Idempotent } from '../../http/idempotency-key.js';
import {
  IfVersion,
  type Preconditions,
  VersionMismatch,
  Versioned,
  etagOf,
  isKnown,
  isWanted,
} from '../../http/preconditions.js';
import { writtenFields } from '../../http/written-fields.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import type { AccountId } from '../../platform/tenant.js';
import { CustomersService } from '../customers/customers.service.js';
import type { CreatedOrder, OrderView } from './order.repository.js';
import {
  type ChangeOrderBody,
  type CreateOrderBody,
  type CustomerOrdersQuery,
  type OrdersQuery,
  type SummaryQuery,
  archivedOrder,
  changeOrderBody,
  changedOrder,
  createOrderBody,
  createdOrder,
  customerOrdersQuery,
  movedOrder,
  orderPage,
  orderView,
  ordersQuery,
  summaryQuery,
  summaryView,
} from './order.schema.js';
import { OrdersService } from './orders.service.js';

const NOT_FOUND = { description: 'Order not found' };
const SHOWN = 'Callers without the scope `books:read` get only the fields that the request sets';
const IF_MATCH = { name: 'If-Match', required: false, description: 'The version in quotes, as in `ETag`' };
const MISMATCH = { status: 412, description: '`If-Match` or `If-None-Match` rules out the version of the order' };

const Changes = (summary: string) =>
  applyDecorators(
    NeedsScope('books:write'),
    HttpCode(200),
    ApiOperation({ summary }),
    ApiParam(ID_PARAM),
    Versioned(true),
    Idempotent(),
    ApiHeader(IF_MATCH),
    ApiHeader(IDEMPOTENCY_HEADER),
    ApiNotFoundResponse(NOT_FOUND),
    ApiResponse(MISMATCH),
  );
const Moves = (summary: string) =>
  applyDecorators(
    Changes(summary),
    ApiConflictResponse({ description: "The order's status does not allow it, or the period is closed" }),
    ApiOkResponse({ standardSchema: movedOrder }),
  );
const Archives = (summary: string) =>
  applyDecorators(Changes(summary), ApiOkResponse({ standardSchema: archivedOrder }));

@ApiTags('books')
@Controller('api')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly customers: CustomersService,
  ) {}

  @Post('orders')
  @NeedsScope('books:write')
  @Action('order.create')
  @Idempotent()
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({ summary: 'Create an order as a draft, with all its items or not at all' })
  @ApiCreatedResponse({
    description: "Callers without the scope `books:read` do not get the customer's email",
    standardSchema: createdOrder,
  })
  @ApiNotFoundResponse({ description: 'Customer not found' })
  @ApiConflictResponse({ description: 'Another order has this external_ref' })
  async create(
    @Body({ schema: createOrderBody }) body: CreateOrderBody,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
    @HasScope('books:read') mayRead: boolean,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const show = (shown: OrderView): CreatedOrder => (mayRead ? shown : { ...shown, customer_email: undefined });
    const order = await this.orders.create(account, body, key, show);
    response.location(`/api/orders/${order.id}`);
    return tagged(order, response);
  }

  @Get('orders')
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'List orders with their items, newest first' })
  @ApiOkResponse({ standardSchema: orderPage })
  list(@Query({ schema: ordersQuery }) query: OrdersQuery, @OwnAccount() account: AccountId): Promise<object> {
    return this.orders.list(account, { ...filterOf(query), email: query.email, customerId: query.customer_id });
  }

  @Get('customers/:id/orders')
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'List the orders of a customer, newest first' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: orderPage })
  @ApiNotFoundResponse({ description: 'Customer not found' })
  async listOfCustomer(
    @Param('id', { schema: idParam }) id: string,
    @Query({ schema: customerOrdersQuery }) query: CustomerOrdersQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    await this.customers.find(account, id);
    return this.orders.list(account, { ...filterOf(query), customerId: id });
  }

  @Get('orders/summary')
  @NeedsScope('books:read')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @ApiOperation({
    summary: 'List the active customers with the highest totals',
    description: 'Totals of paid and shipped orders that are not archived, in one currency.',
  })
  @ApiOkResponse({ standardSchema: summaryView })
  summary(
    @Query({ schema: summaryQuery }) { limit, currency }: SummaryQuery,
    @OwnAccount() account: AccountId,
  ): Promise<string> {
    return this.orders.summary(account, limit, currency);
  }

  @Get('orders/:id')
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'Get an order' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: orderView })
  @ApiNotFoundResponse(NOT_FOUND)
  @Versioned(true)
  @ApiHeader(IF_MATCH)
  @ApiResponse(MISMATCH)
  async view(
    @Param('id', { schema: idParam }) id: string,
    @IfVersion() version: Preconditions,
    @OwnAccount() account: AccountId,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const order = tagged(await this.orders.view(account, id), response);
    const etag = etagOf(order.version);
    if (!isWanted(version, etag)) throw new VersionMismatch(order.version);
    if (isKnown(version, etag)) response.status(HttpStatus.NOT_MODIFIED);
    return order;
  }

  @Patch('orders/:id')
  @NeedsScope('books:write')
  @Action('order.change')
  @Versioned(true)
  @ApiOperation({ summary: 'Change a draft; `items` replace all its items' })
  @ApiParam(ID_PARAM)
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ description: SHOWN, standardSchema: changedOrder })
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse({ description: 'The order is not a draft, or another order has this external_ref' })
  @ApiResponse(MISMATCH)
  async change(
    @Param('id', { schema: idParam }) id: string,
    @Body({ schema: changeOrderBody }) body: ChangeOrderBody,
    @IfVersion() version: Preconditions,
    @OwnAccount() account: AccountId,
    @HasScope('books:read') mayRead: boolean,
    @Res({ passthrough: true }) response: Response,
  ): Promise<object> {
    const order = tagged(await this.orders.change(account, id, body, version), response);
    return mayRead ? order : writtenFields(order, body, ['id', 'version', 'updated_at']);
  }

  @Post('orders/:id/pay')
  @Action('order.pay')
  @Moves("Pay a draft: posts to the journal, and fixes the order's items and its customer's name and email")
  pay(
    @Param('id', { schema: idParam }) id: string,
    @IfVersion() preconditions: Preconditions,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
  ) {
    return this.orders.move(account, id, 'pay', { preconditions, key });
  }

  @Post('orders/:id/ship')
  @Action('order.ship')
  @Moves('Ship a paid order')
  ship(
    @Param('id', { schema: idParam }) id: string,
    @IfVersion() preconditions: Preconditions,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
  ) {
    return this.orders.move(account, id, 'ship', { preconditions, key });
  }

  @Post('orders/:id/cancel')
  @Action('order.cancel')
  @Moves('Cancel a draft or a paid order; that of a paid order posts the reversal to the journal')
  cancel(
    @Param('id', { schema: idParam }) id: string,
    @IfVersion() preconditions: Preconditions,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
  ) {
    return this.orders.move(account, id, 'cancel', { preconditions, key });
  }

  @Post('orders/:id/archive')
  @Action('order.archive')
  @Archives('Archive an order: lists and the summary leave it out')
  archive(
    @Param('id', { schema: idParam }) id: string,
    @IfVersion() preconditions: Preconditions,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
  ) {
    return this.orders.archive(account, id, true, { preconditions, key });
  }

  @Post('orders/:id/unarchive')
  @Action('order.unarchive')
  @Archives('Take an order out of the archive')
  unarchive(
    @Param('id', { schema: idParam }) id: string,
    @IfVersion() preconditions: Preconditions,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
  ) {
    return this.orders.archive(account, id, false, { preconditions, key });
  }
}

function tagged<Shown extends Pick<OrderView, 'version'>>(order: Shown, response: Response): Shown {
  response.setHeader('ETag', etagOf(order.version));
  return order;
}

function filterOf({ status, placed_from, placed_to, include_archived, cursor, limit }: CustomerOrdersQuery) {
  return {
    status,
    placedFrom: placed_from,
    placedTo: placed_to,
    isArchivedIncluded: include_archived,
    beforeId: cursor,
    limit,
  };
}

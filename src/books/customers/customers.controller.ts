import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import { HasScope, NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { IdempotencyKey, Idempotent } from '../../http/idempotency-key.js';
import { writtenFields } from '../../http/written-fields.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import type { AccountId } from '../../platform/tenant.js';
import {
  type ChangeCustomerBody,
  type CreateCustomerBody,
  type CustomersQuery,
  changeCustomerBody,
  changedCustomer,
  createCustomerBody,
  customerPage,
  customerView,
  customersQuery,
  deletedOne,
} from './customer.schema.js';
import { CustomersService } from './customers.service.js';

const SHOWN = 'Callers without the scope `books:read` get only the fields that the request sets';
const NOT_FOUND = { description: 'Customer not found' };
const TAKEN = { description: 'Another customer has this email' };

@ApiTags('books')
@Controller('api/customers')
export class CustomersController {
  constructor(private readonly customers: CustomersService) {}

  @Post()
  @NeedsScope('books:write')
  @Action('customer.create')
  @Idempotent()
  @ApiOperation({ summary: 'Add a customer' })
  @ApiCreatedResponse({ standardSchema: customerView })
  @ApiConflictResponse(TAKEN)
  create(
    @Body({ schema: createCustomerBody }) { is_active, ...wanted }: CreateCustomerBody,
    @IdempotencyKey() key: IdempotencyKey | null,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.customers.create(account, { ...wanted, isActive: is_active }, key);
  }

  @Get()
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'List customers, newest first' })
  @ApiOkResponse({ standardSchema: customerPage })
  list(
    @Query({ schema: customersQuery }) { cursor, ...filter }: CustomersQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.customers.list(account, { ...filter, beforeId: cursor });
  }

  @Get(':id')
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'Get a customer' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: customerView })
  @ApiNotFoundResponse(NOT_FOUND)
  view(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.customers.view(account, id);
  }

  @Patch(':id')
  @NeedsScope('books:write')
  @Action('customer.change')
  @ApiOperation({
    summary: 'Change a customer',
    description: 'Paid orders keep the name and email that the customer had when they were paid.',
  })
  @ApiParam(ID_PARAM)
  @ApiBody({ required: true })
  @ApiOkResponse({ description: SHOWN, standardSchema: changedCustomer })
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse(TAKEN)
  async change(
    @Param('id', { schema: idParam }) id: string,
    @Body({ schema: changeCustomerBody }) body: ChangeCustomerBody,
    @OwnAccount() account: AccountId,
    @HasScope('books:read') mayRead: boolean,
  ): Promise<object> {
    const { name, email, is_active: isActive } = body;
    const customer = await this.customers.change(account, id, { name, email, isActive });
    return mayRead ? customer : writtenFields(customer, body, ['id', 'updated_at']);
  }

  @Delete(':id')
  @NeedsScope('books:write')
  @Action('customer.delete')
  @ApiOperation({ summary: 'Delete a customer that no order and no entry of the journal names' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: deletedOne })
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse({ description: 'The customer has orders or entries in the journal' })
  remove(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.customers.remove(account, id);
  }
}

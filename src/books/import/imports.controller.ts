import { Readable } from 'node:stream';
import { Controller, Get, HttpCode, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { Action } from '../../http/action.decorators.js';
import { NeedsScope, OwnAccount } from '../../http/auth.decorators.js';
import { BodyStream, StreamOfBody, StreamsBody } from '../../http/streams/body-stream.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import type { AccountId } from '../../platform/tenant.js';
import { CSV_MEDIA_TYPE } from '../../reports/formats/csv.js';
import { type ImportsQuery, importResult, importsQuery, orderImportPage, orderImportView } from './import.schema.js';
import { CSV, ImportsService, NDJSON } from './imports.service.js';

const NOT_FOUND = { description: 'Import not found' };
const FILE =
  'CSV with a header and one item a line, where consecutive lines of one `external_ref` are an order: `external_ref`, ' +
  '`customer_email`, `customer_name`?, `currency`?, `placed_at`?, `status`?, `paid_at`?, `cancelled_at`?, `sku`, ' +
  '`quantity`, `unit_price_cents`. Or NDJSON with an order a line: the same fields, `customer_id` instead of ' +
  '`customer_email` if you like, and `items`.';

const EXAMPLES = {
  [CSV]: 'external_ref,customer_email,sku,quantity,unit_price_cents\r\nPO-1,billing@acme.example,A-1,2,1250\r\n',
  [NDJSON]:
    '{"external_ref":"PO-1","customer_email":"billing@acme.example",' +
    '"items":[{"sku":"A-1","quantity":2,"unit_price_cents":1250}]}\n',
};

/** Its routes must be registered before `GET /api/orders/:id`. */
@ApiTags('books')
@Controller('api/orders')
export class ImportsController {
  constructor(private readonly imports: ImportsService) {}

  @Post('import')
  @HttpCode(200)
  @NeedsScope('books:write')
  @Action('order.import')
  @StreamsBody(FILE, EXAMPLES)
  @ApiOperation({
    summary: 'Import orders from a file of any size',
    description:
      'Batches of up to 1,000 orders are stored while the file arrives, each all or nothing. An order whose `external_ref` ' +
      'the account has is a duplicate and stays as it is, so a file can be sent again.',
  })
  @ApiOkResponse({ standardSchema: importResult })
  import(@StreamOfBody() body: BodyStream, @OwnAccount() account: AccountId): Promise<object> {
    return this.imports.run(account, body);
  }

  @Get('imports')
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'List imports, newest first' })
  @ApiOkResponse({ standardSchema: orderImportPage })
  list(
    @Query({ schema: importsQuery }) { cursor, limit }: ImportsQuery,
    @OwnAccount() account: AccountId,
  ): Promise<object> {
    return this.imports.list(account, cursor, limit);
  }

  @Get('imports/:id')
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'Get an import and its progress' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: orderImportView })
  @ApiNotFoundResponse(NOT_FOUND)
  view(@Param('id', { schema: idParam }) id: string, @OwnAccount() account: AccountId): Promise<object> {
    return this.imports.view(account, id);
  }

  @Get('imports/:id/errors')
  @NeedsScope('books:read')
  @ApiOperation({ summary: 'Download the errors of an import as CSV', description: 'The first 10,000 are kept.' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({
    description: 'Columns: row (line of the file), external_ref, field, message',
    content: { 'text/csv': { schema: { type: 'string' } } },
  })
  @ApiNotFoundResponse(NOT_FOUND)
  async errors(
    @Param('id', { schema: idParam }) id: string,
    @OwnAccount() account: AccountId,
  ): Promise<StreamableFile> {
    const chunks = await this.imports.errorFile(account, id);
    const disposition = `attachment; filename="import-${id}-errors.csv"`;
    return new StreamableFile(Readable.from(chunks, { objectMode: false }), { type: CSV_MEDIA_TYPE, disposition });
  }
}

import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { AccountId } from '../platform/tenant.js';
import { ApiOkResponse, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { HasScope, NeedsScope, OwnAccount } from '../http/auth.decorators.js';
import { FILE_MEDIA_TYPES } from './formats/file-format.js';
import { Versioned } from '../http/preconditions.js';
import { JOURNAL_SCOPE } from './report-access.js';
import { ReportDownload } from './report-download.js';
import { ReportsService, type ReportTypeView } from './reports.service.js';

const fileNameParam = z.string().describe('`file_name` of a finished report');

const reportTypes = z
  .object({
    report_types: z.array(
      z
        .object({
          type: z.string(),
          title: z.string(),
          formats: z.array(z.string()).describe('The default is first'),
          columns: z
            .array(z.string())
            .nullable()
            .describe('Names of the columns that `columns` picks and orders; null for a report with fixed ones'),
          data_available_from: z.iso
            .datetime()
            .nullable()
            .describe('The earliest time at which an entry of the journal counts; null if there is none'),
          data_available_until: z.iso
            .datetime()
            .nullable()
            .describe(
              'The time of this answer: `to` must not be later; null for a report that is not over the journal',
            ),
          params: z.looseObject({}).describe('JSON Schema of the parameters'),
          estimated_bytes: z
            .int()
            .nullable()
            .describe(
              'Bytes that a request with default parameters reserves of the storage limit of the account until it is finished; null if a parameter has no default',
            ),
        })
        .meta({ id: 'ReportType' }),
    ),
  })
  .meta({ id: 'ReportTypeList' });

const FILE_CONTENT = Object.fromEntries(
  FILE_MEDIA_TYPES.map((type) => [type, { schema: { type: 'string' as const } }]),
);
const FILE_HEADERS = {
  ETag: { description: 'SHA-256 of the whole file, in quotes', schema: { type: 'string' } },
  'Content-Disposition': { description: 'Attachment with the file name (RFC 6266)', schema: { type: 'string' } },
  'Accept-Ranges': { description: 'bytes', schema: { type: 'string' } },
} as const;

@ApiTags('reports')
@Controller('api')
export class ReportsController {
  constructor(
    private readonly reports: ReportsService,
    private readonly downloads: ReportDownload,
  ) {}

  @Get('report-types')
  @NeedsScope('reports:read')
  @ApiOperation({
    summary: 'List the report types, with JSON Schemas of their parameters',
    description:
      'Types over the books only for callers with the scope `books:read`, which requests of such reports need too.',
  })
  @ApiOkResponse({ standardSchema: reportTypes })
  async types(
    @OwnAccount() account: AccountId,
    @HasScope(JOURNAL_SCOPE) mayReadBooks: boolean,
  ): Promise<{ report_types: ReportTypeView[] }> {
    return { report_types: await this.reports.listTypes(account, mayReadBooks) };
  }

  @Get('reports/:file_name')
  @Versioned(true)
  @NeedsScope('reports:read')
  @ApiOperation({
    summary: 'Download the file of a finished report',
    description: 'Supports `Range` (one range of bytes), `If-Range`, `If-Match` and `If-None-Match`.',
  })
  @ApiParam({ name: 'file_name', description: fileNameParam.description, schema: { type: 'string' } })
  @ApiOkResponse({ description: 'The file', content: FILE_CONTENT, headers: FILE_HEADERS })
  @ApiResponse({
    status: 206,
    description: 'The requested range',
    content: FILE_CONTENT,
    headers: FILE_HEADERS,
  })
  @ApiResponse({
    status: 302,
    description: 'The file is at this URL of the object storage, which needs no credentials and expires',
    headers: { Location: { description: 'Signed URL', schema: { type: 'string' } } },
  })
  @ApiResponse({ status: 304, description: 'The caller already has this file' })
  @ApiResponse({ status: 404, description: 'No finished report has a file of this name' })
  @ApiResponse({ status: 410, description: 'The file is gone, or past its retention' })
  @ApiResponse({ status: 412, description: 'The file has another ETag than `If-Match` names' })
  @ApiResponse({ status: 416, description: 'The range lies outside the file' })
  download(
    @Param('file_name', { schema: fileNameParam }) fileName: string,
    @OwnAccount() account: AccountId,
    @Req() req: Request,
    @Res() res: Response,
  ) {
    return this.downloads.send(fileName, account, req, res);
  }
}

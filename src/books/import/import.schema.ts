import { z } from 'zod';
import { pageFields } from '../../http/fields/page-query.js';
import { IMPORT_STATUSES } from './order-import.entity.js';

export const importsQuery = z.strictObject({
  ...pageFields('Imports'),
});
export type ImportsQuery = z.infer<typeof importsQuery>;

const timestamp = z.iso.datetime();

/** The answer to an import. */
export const importResult = z
  .object({
    id: z.uuid(),
    rows: z.int().describe('Lines read, without the header and blank ones'),
    created: z.int().describe('Orders that were created'),
    duplicates: z.int().describe('Orders whose external_ref the account has already; they stay as they are'),
    failed: z.int().describe('Orders, and lines that belong to none, with errors'),
    errors_url: z.string().describe('CSV file with the errors'),
  })
  .meta({ id: 'ImportResult' });
export const orderImportView = importResult
  .extend({
    status: z
      .enum(IMPORT_STATUSES)
      .describe('`interrupted` when the connection, the sender or the process ended early'),
    created_at: timestamp,
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'OrderImport' });
export const orderImportPage = z
  .object({ imports: z.array(orderImportView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'OrderImportPage' });

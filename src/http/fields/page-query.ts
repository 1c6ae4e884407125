import { z } from 'zod';

/** `limit` of a list: 1 to 200 rows, by default 50. @param rows The name of the rows, such as `Orders`. */
export const pageLimit = (rows: string) =>
  z.coerce.number().pipe(z.int().min(1).max(200)).default(50).describe(`${rows} per page`);

/** The query of a list whose cursor is the id of the last row of the page before. @param rows As of {@link pageLimit}. */
export const pageFields = (rows: string) => ({
  limit: pageLimit(rows),
  cursor: z.uuid().optional().describe('`next_cursor` of the previous page'),
});

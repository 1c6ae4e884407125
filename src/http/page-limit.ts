import { z } from 'zod';

/** `limit` of a list: 1 to 200 rows, by default 50. @param rows What a page has, such as `Orders`. */
export const pageLimit = (rows: string) =>
  z.coerce.number().pipe(z.int().min(1).max(200)).default(50).describe(`${rows} per page`);

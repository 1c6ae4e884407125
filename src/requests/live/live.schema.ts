import type { z } from 'zod';
import { pageLimit } from '../../http/fields/page-query.js';
import { requestFilter } from '../requests.schema.js';

/** The query of a live view: that of the list, without a cursor, and without the search, which takes too long to be repeated. */
export const liveQuery = requestFilter.omit({ q: true }).extend({ limit: pageLimit('Requests') });
export type LiveQuery = z.infer<typeof liveQuery>;

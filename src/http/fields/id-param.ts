import { z } from 'zod';

/** `:id` of a route. Any string: an id that is not a UUID is unknown, so the answer is 404. */
export const idParam = z.string();

/** `:id` in the OpenAPI document. */
export const ID_PARAM = { name: 'id', schema: { type: 'string', format: 'uuid' } };

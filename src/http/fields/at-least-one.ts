import type { z } from 'zod';

/** `a, b and c`. */
const LIST = new Intl.ListFormat('en-GB');

/** Returns a schema that also requires at least one of the fields of an object, which are all optional. */
export function atLeastOne<Schema extends z.ZodObject>(object: Schema): Schema {
  return object.refine((body) => Object.values(body).some((value) => value !== undefined), {
    error: `at least one of ${LIST.format(Object.keys(object.shape))} is required`,
  });
}

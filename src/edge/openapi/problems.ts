import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';

export type Responses = Record<string, { description?: string; content?: object } | { $ref: string }>;
type SharedResponses = NonNullable<NonNullable<OpenAPIObject['components']>['responses']>;

/** The body of every error answer (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    request_id: z.uuid().optional(),
    tickets_left: z.int().optional(),
  })
  .meta({ id: 'Problem' });

const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** Responses that many operations give, by their name in `components.responses`. */
const DESCRIPTIONS = {
  Problem: 'Problem details (RFC 9457)',
  NotModified: 'Not modified: the caller sent `If-None-Match: *`',
  BadRequest: 'The body is not valid JSON in UTF-8, the path is not valid, or a header that may come once came twice',
  UserUnauthorized: "A user's access token is missing or invalid (RFC 6750)",
  Unauthorized: 'With `AUTH=required`: the API key or access token is missing or invalid (RFC 6750)',
  Timeout: 'The request did not arrive before the timeout',
  KeyInUse: 'The first request with this idempotency key is still running',
  TooLarge: 'The body is over the limit',
  UnsupportedMediaType:
    'The media type of the body is not one that the operation takes, or it has a `Content-Encoding`',
  ForeignHost: 'The `Host` is not a name of this machine',
  InvalidInput: 'The input is not valid; `errors` lists every issue with its path',
  RateLimited: 'Over the rate limit; retry after `Retry-After` seconds',
  HeadersTooLarge: 'The headers are over 16 KiB, or more than 100',
  Overloaded: 'Overloaded, or the database is unavailable; retry after `Retry-After` seconds',
  StorageFull: 'The files of the account reach its storage limit',
};
export type SharedResponse = keyof typeof DESCRIPTIONS;

/** Returns a reference to a shared response. */
export function shared(name: SharedResponse): { $ref: string } {
  return { $ref: `#/components/responses/${name}` };
}

/** Returns the shared responses of the document. */
export function sharedResponses(): SharedResponses {
  const responses = Object.entries(DESCRIPTIONS).map(([name, description]): [string, SharedResponses[string]] => [
    name,
    name === 'NotModified' ? { description } : problemResponse(description),
  ]);
  return Object.fromEntries(responses);
}

/** Returns an error response of one operation. */
export function problemResponse(description: string): { description: string; content: typeof PROBLEM_CONTENT } {
  return { description, content: PROBLEM_CONTENT };
}

/** Gives the error responses of an operation that have no body yet the body of a problem. */
export function addProblems(responses: Responses): void {
  for (const [status, response] of Object.entries(responses))
    if (/^[45]/.test(status) && !('$ref' in response)) response.content ??= PROBLEM_CONTENT;
}

import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { callbackOperations } from '../../callbacks/callback.schema.js';
import { API_KEY_SCHEME, USER_SCHEME } from '../../http/auth.decorators.js';
import { VERSION } from '../../platform/package.js';
import { isLoopbackOnly } from '../csrf/csrf-protection.js';
import { RATE_LIMIT_EXTENSION } from '../../http/rate-limit.decorators.js';

/** Operations that lead to a callback. */
const PATHS_WITH_CALLBACK = ['/api/sync', '/api/async'];

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  request_id: z.uuid().optional(),
  tickets_left: z.int().optional(),
});

const { $schema: _, ...problemJsonSchema } = z.toJSONSchema(problemSchema);
const PROBLEM_CONTENT = { 'application/problem+json': { schema: problemJsonSchema } };

function problemResponse(description: string): object {
  return { description, content: PROBLEM_CONTENT };
}

interface Operation {
  parameters?: { in: string; name: string }[];
  requestBody?: object;
  responses?: Record<string, { description?: string; content?: object }>;
  /** The rate limit, if it is not the default one; null for none. */
  [RATE_LIMIT_EXTENSION]?: string | null;
  /** Security schemes and their scopes. */
  security?: Record<string, string[]>[];
}

/** Adds the responses of authentication and CSRF protection. With `AUTH=open` an API key is optional. */
function addAccessResponses(method: string, operation: Operation, config: Config): void {
  const { security, responses = {} } = operation;
  const forbidden: string[] = [];
  const isForUsers = security?.some((requirement) => USER_SCHEME in requirement) ?? false;
  const isForKeys = security?.some((requirement) => API_KEY_SCHEME in requirement) ?? false;
  if (isForUsers) {
    responses['401'] ??= problemResponse("A user's access token is missing or invalid (RFC 6750)");
    forbidden.push('the user has another role');
  }
  if (security && isForKeys) {
    const scope = security.flatMap((requirement) => requirement[API_KEY_SCHEME] ?? []).join(' ');
    responses['401'] ??= problemResponse(
      'With `AUTH=required`: the API key or access token is missing or invalid (RFC 6750)',
    );
    forbidden.push(`with \`AUTH=required\`: the API key or user lacks the scope \`${scope}\``);
    // A new list, because the operations of a controller share the old one.
    if (config.AUTH === 'open' && !isForUsers) operation.security = [{}, ...security];
  }
  if (method !== 'get')
    forbidden.push('with `AUTH=open` or the cookie of a session: a web page of another origin sent the request');
  if (forbidden.length > 0) responses['403'] ??= problemResponse(`Forbidden ${forbidden.join('; ')}`);
  if (isLoopbackOnly(config)) responses['421'] ??= problemResponse('The `Host` is not a name of this machine');
}

/** Adds the error responses that any operation may give, and the problem schema to all of them. */
function addErrorResponses(method: string, operation: Operation): void {
  const { parameters = [], requestBody, responses = {} } = operation;
  const add = (status: number, description: string): void => {
    responses[status] ??= { description };
  };
  const has = (place: string): boolean => parameters.some((parameter) => parameter.in === place);
  const isKeyed = parameters.some(({ name }) => name === 'Idempotency-Key');
  if (method === 'get') add(304, 'Not modified: the caller sent `If-None-Match: *`');
  // Also for operations without a body: the service reads and checks one that is sent.
  add(400, 'The body is not valid JSON in UTF-8, the path is not valid, or a header that may come once came twice');
  add(408, 'The request did not arrive before the timeout');
  add(431, 'The headers are over 16 KiB, or more than 100');
  add(413, 'The body is over the limit');
  add(415, 'The media type of the body is not one that the operation takes, or it has a `Content-Encoding`');
  if (isKeyed) add(409, 'The first request with this idempotency key is still running');
  if (isKeyed) add(507, 'The files of the account reach its storage limit');
  if (requestBody || has('query') || has('path'))
    add(422, 'The input is not valid; `errors` lists every issue with its path');
  if (operation[RATE_LIMIT_EXTENSION] !== null) {
    add(429, 'Over the rate limit; retry after `Retry-After` seconds');
    add(503, 'Overloaded, or the database is unavailable; retry after `Retry-After` seconds');
  }
  for (const [status, response] of Object.entries(responses))
    if (/^[45]/.test(status) && !response.content) response.content = PROBLEM_CONTENT;
}

/** Title, tags and security scheme of the document. */
function documentHeader(): Omit<OpenAPIObject, 'paths'> {
  return new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Daybook')
    .setDescription(
      'Financial reports, synchronous or asynchronous, in strict order, with signed callbacks; and books: customers, orders and a journal of double entry. Errors are problem details (RFC 9457).',
    )
    .setVersion(VERSION)
    .setLicense('MIT', 'https://spdx.org/licenses/MIT.html')
    .addTag('reports', 'Request reports and download them')
    .addTag('requests', 'The request log: status, results and callbacks of requests')
    .addTag('actions', 'The action log: who changed what, and when')
    .addTag('lanes', 'The queues of pending requests: pause, resume, priority')
    .addTag('callbacks', 'Callback deliveries, signing secrets, destinations, and the built-in demo receiver')
    .addTag('books', 'Customers, orders and their import; the journal: entries, balances, closed periods')
    .addTag('tickets', 'Events and their bookings')
    .addTag('keys', 'API keys and their scopes')
    .addTag('users', 'Users, their tokens, and sessions of the dashboard')
    .addTag('benchmark', 'Load tests of this service')
    .addTag('operations', 'Health and metrics')
    .addSecurity(API_KEY_SCHEME, {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'dbk_<id>_<secret>',
      description: 'An API key. Required with `AUTH=required`; each operation names its scope.',
    })
    .addSecurity(USER_SCHEME, {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description:
        'The access token of a user (`POST /api/auth/login`). An operation may require a role; it needs the token with `AUTH=open` too.',
    })
    .build();
}

/** Builds the OpenAPI 3.1 document. */
function buildDocument(app: INestApplication): OpenAPIObject {
  const config = app.get<Config>(CONFIG);
  const document = SwaggerModule.createDocument(app, documentHeader());
  for (const path of PATHS_WITH_CALLBACK)
    Object.assign(document.paths[path]?.post ?? {}, { callbacks: callbackOperations() });
  for (const operations of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(operations) as [string, Operation][]) {
      if (!operation.responses) continue;
      operation.responses['default'] ??= problemResponse('Problem details (RFC 9457)');
      addAccessResponses(method, operation, config);
      addErrorResponses(method, operation);
    }
  }
  return document;
}

/** Serves Swagger UI at `/docs` and the OpenAPI document at `/openapi.json`. The document is built on first use. */
export function serveApiDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => buildDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Daybook API',
  });
}

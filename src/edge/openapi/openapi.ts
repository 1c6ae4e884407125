import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { callbackOperations } from '../../callbacks/callback.schema.js';
import { API_KEY_SCHEME } from '../../http/auth.decorators.js';
import { answersToLoopbackOnly } from '../csrf/csrf-protection.js';
import { RATE_LIMIT_EXTENSION } from '../../http/rate-limit.decorators.js';

/** Operations whose body has a `callback_url`. */
const CALLING_BACK = ['/api/sync', '/api/async'];

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  request_id: z.uuid().optional(),
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
  /** Which limit it is under, if not the default one; null for none. */
  [RATE_LIMIT_EXTENSION]?: string | null;
  /** Which scheme, with which scopes. */
  security?: Record<string, string[]>[];
}

/** What an operation answers who may not use it. An open installation asks for no key and takes it all the same. */
function describeAccess(method: string, operation: Operation, config: Config): void {
  const { security, responses = {} } = operation;
  const forbidden: string[] = [];
  if (security) {
    const scope = security.flatMap((requirement) => requirement[API_KEY_SCHEME] ?? []).join(' ');
    responses['401'] ??= problemResponse('With `AUTH=required`: no API key, or none that is good (RFC 6750)');
    forbidden.push(`with \`AUTH=required\`: an API key without the scope \`${scope}\``);
    // The operations of a controller share this list.
    if (config.AUTH === 'open') operation.security = [{}, ...security];
  }
  if (method !== 'get') forbidden.push('with `AUTH=open`: sent by a web page of another origin');
  if (forbidden.length > 0) responses['403'] ??= problemResponse(`Refused ${forbidden.join('; ')}`);
  if (answersToLoopbackOnly(config)) responses['421'] ??= problemResponse('The `Host` is no name of this machine');
}

/** What the edge answers before an operation is reached, and the shape of all that operations refuse themselves. */
function describeRefusals(method: string, operation: Operation): void {
  const { parameters = [], requestBody, responses = {} } = operation;
  const add = (status: number, description: string): void => {
    responses[status] ??= { description };
  };
  const has = (place: string): boolean => parameters.some((parameter) => parameter.in === place);
  const isKeyed = parameters.some(({ name }) => name === 'Idempotency-Key');
  if (method === 'get') add(304, 'Not modified: the caller sent `If-None-Match: *`');
  // Also where no body is asked for: one that is sent all the same is read.
  add(400, 'The body is not valid JSON, or the path is not valid');
  add(408, 'The request did not arrive in time');
  add(431, 'The head of the request is over 16 KiB, or has over 100 headers');
  add(413, 'The body is over the limit');
  add(415, 'The body is not sent as `application/json` in UTF-8');
  if (isKeyed) add(409, 'The first request with this idempotency key is still running');
  if (requestBody || has('query') || has('path')) add(422, 'Something is not valid; `errors` names each place');
  if (operation[RATE_LIMIT_EXTENSION] !== null) {
    add(429, 'Over the rate limit; `Retry-After` says when to come back');
    add(503, 'Too much to do, or the database is away; `Retry-After` says when to come back');
  }
  for (const [status, response] of Object.entries(responses))
    if (/^[45]/.test(status) && !response.content) response.content = PROBLEM_CONTENT;
}

/** Describes the whole API (OpenAPI 3.1). */
function describe(app: INestApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Daybook')
    .setDescription('Financial reports, sync or async, in strict order, with callbacks. Errors are RFC 9457 problems.')
    .setVersion('0.1.0')
    .setLicense('MIT', 'https://spdx.org/licenses/MIT.html')
    .addTag('reports', 'Ask for reports and download them')
    .addTag('requests', 'What was asked for, and what came of it')
    .addTag('lanes', 'The queues: what waits, pausing, precedence')
    .addTag('callbacks', 'What was sent, what it is signed with, and the built-in demo receiver')
    .addTag('keys', 'API keys, and what they may do')
    .addTag('benchmark', 'Measure this service')
    .addTag('operations', 'Health')
    .addSecurity(API_KEY_SCHEME, {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'dbk_<id>_<secret>',
      description: 'An API key. Needed with `AUTH=required`; the scope that it needs stands at each operation.',
    })
    .build();
  const config = app.get<Config>(CONFIG);
  const described = SwaggerModule.createDocument(app, builder);
  for (const path of CALLING_BACK)
    Object.assign(described.paths[path]?.post ?? {}, { callbacks: callbackOperations() });
  for (const operations of Object.values(described.paths)) {
    for (const [method, operation] of Object.entries(operations) as [string, Operation][]) {
      if (!operation.responses) continue;
      operation.responses['default'] ??= problemResponse('What went wrong (RFC 9457)');
      describeAccess(method, operation, config);
      describeRefusals(method, operation);
    }
  }
  return described;
}

/** Serves Swagger UI at `/docs` and the OpenAPI document at `/openapi.json`. The document is built on first use. */
export function serveApiDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => describe(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Daybook API',
  });
}

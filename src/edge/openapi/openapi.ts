import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { callbackBody, callbackOperations } from '../../callbacks/callback.schema.js';
import { API_KEY_SCHEME, USER_SCHEME } from '../../http/auth.decorators.js';
import { VERSION } from '../../platform/package.js';
import { isLoopbackOnly } from '../csrf/csrf-protection.js';
import { RATE_LIMIT_EXTENSION } from '../../http/rate-limit.decorators.js';
import { NamedSchemas } from './named-schemas.js';
import {
  type Responses,
  type SharedResponse,
  addProblems,
  problemResponse,
  problemSchema,
  shared,
  sharedResponses,
} from './problems.js';

/** Operations that lead to a callback. */
const PATHS_WITH_CALLBACK = ['/api/sync', '/api/async'];

interface Operation {
  parameters?: { in: string; name: string }[];
  requestBody?: object;
  responses?: Responses;
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
    responses['401'] ??= shared('UserUnauthorized');
    forbidden.push('the user has another role');
  }
  if (security && isForKeys) {
    const scope = security.flatMap((requirement) => requirement[API_KEY_SCHEME] ?? []).join(' ');
    responses['401'] ??= shared('Unauthorized');
    forbidden.push(`with \`AUTH=required\`: the API key or user lacks the scope \`${scope}\``);
    // A new list, because the operations of a controller share the old one.
    if (config.AUTH === 'open' && !isForUsers) operation.security = [{}, ...security];
  }
  if (method !== 'get')
    forbidden.push('with `AUTH=open` or the cookie of a session: a web page of another origin sent the request');
  if (forbidden.length > 0) responses['403'] ??= problemResponse(`Forbidden ${forbidden.join('; ')}`);
  if (isLoopbackOnly(config)) responses['421'] ??= shared('ForeignHost');
}

/** Adds the error responses that any operation may give, and the problem schema to all of them. */
function addErrorResponses(method: string, operation: Operation): void {
  const { parameters = [], requestBody, responses = {} } = operation;
  const add = (status: number, name: SharedResponse): void => {
    responses[status] ??= shared(name);
  };
  const has = (place: string): boolean => parameters.some((parameter) => parameter.in === place);
  const isKeyed = parameters.some(({ name }) => name === 'Idempotency-Key');
  if (method === 'get') add(304, 'NotModified');
  // Also for operations without a body: the service reads and checks one that is sent.
  add(400, 'BadRequest');
  add(408, 'Timeout');
  add(431, 'HeadersTooLarge');
  add(413, 'TooLarge');
  add(415, 'UnsupportedMediaType');
  if (isKeyed) add(409, 'KeyInUse');
  if (isKeyed) add(507, 'StorageFull');
  if (requestBody || has('query') || has('path')) add(422, 'InvalidInput');
  if (operation[RATE_LIMIT_EXTENSION] !== null) {
    add(429, 'RateLimited');
    add(503, 'Overloaded');
  }
  addProblems(responses);
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
    .addTag('schedules', 'Reports that recur')
    .addTag('requests', 'The request log: status, results and callbacks of requests')
    .addTag('actions', 'The action log: who changed what, and when')
    .addTag('lanes', 'The queues of pending requests: pause, resume, priority')
    .addTag('callbacks', 'Callback deliveries, signing secrets, destinations, and the built-in demo receiver')
    .addTag('books', 'Customers, orders and their import; the journal: entries, balances, closed periods')
    .addTag('tickets', 'Events and their bookings')
    .addTag('keys', 'API keys and their scopes')
    .addTag('users', 'Users, their tokens, and sessions of the dashboard')
    .addTag('benchmark', 'Load tests of this service')
    .addTag('operations', 'Health, metrics and settings')
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

/** Builds the OpenAPI 3.1 document of an application, which may be a preview of one. */
export function buildDocument(app: INestApplication, config: Config): OpenAPIObject {
  const named = new NamedSchemas();
  const document = SwaggerModule.createDocument(app, documentHeader(), { standardSchemaConverter: named.convert });
  const schemas = ((document.components ??= {}).schemas ??= {});
  document.components.responses = sharedResponses();
  named.add(schemas, problemSchema, 'output');
  const callbacks = callbackOperations(named.add(schemas, callbackBody, 'input'));
  for (const path of PATHS_WITH_CALLBACK) Object.assign(document.paths[path]?.post ?? {}, { callbacks });
  for (const operations of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(operations) as [string, Operation][]) {
      if (!operation.responses) continue;
      operation.responses['default'] ??= shared('Problem');
      addAccessResponses(method, operation, config);
      addErrorResponses(method, operation);
    }
  }
  return document;
}

/** Serves Swagger UI at `/docs` and the OpenAPI document at `/openapi.json`. The document is built on first use. */
export function serveApiDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => buildDocument(app, app.get<Config>(CONFIG)), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Daybook API',
  });
}

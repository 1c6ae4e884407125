import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { CONFIG, type Config } from '../config.js';
import { callbackOperations } from '../callbacks/callback.schema.js';
import { KEY_SCHEME } from './auth.decorators.js';

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

/** The problem responses that every operation may give. */
function problemResponse(description: string): object {
  const { $schema: _, ...schema } = z.toJSONSchema(problemSchema);
  return { description, content: { 'application/problem+json': { schema } } };
}

interface Operation {
  responses?: Record<string, unknown>;
  /** Which scheme, with which scopes. */
  security?: Record<string, string[]>[];
}

/** What an operation answers who may not use it. An open installation asks for no key and takes it all the same. */
function describeKey({ security, responses }: Required<Operation>, isRequired: boolean): void {
  const scope = security.flatMap((requirement) => requirement[KEY_SCHEME] ?? []).join(' ');
  responses['401'] ??= problemResponse('With `AUTH=required`: no API key, or none that is good (RFC 6750)');
  responses['403'] ??= problemResponse(`With \`AUTH=required\`: an API key without the scope \`${scope}\``);
  if (!isRequired) security.unshift({});
}

/** Describes the whole API (OpenAPI 3.1). */
function document(app: INestApplication): OpenAPIObject {
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
    .addSecurity(KEY_SCHEME, {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'dbk_<id>_<secret>',
      description: 'An API key. Needed with `AUTH=required`; the scope that it needs stands at each operation.',
    })
    .build();
  const { AUTH } = app.get<Config>(CONFIG);
  const described = SwaggerModule.createDocument(app, builder);
  for (const path of CALLING_BACK)
    Object.assign(described.paths[path]?.post ?? {}, { callbacks: callbackOperations() });
  for (const operations of Object.values(described.paths)) {
    for (const operation of Object.values(operations) as Operation[]) {
      if (!operation.responses) continue;
      operation.responses['default'] ??= problemResponse('What went wrong (RFC 9457)');
      if (operation.security) describeKey(operation as Required<Operation>, AUTH === 'required');
    }
  }
  return described;
}

/** Serves Swagger UI at `/docs` and the description at `/openapi.json`. */
export function serveApiDescription(app: INestApplication): void {
  let described: OpenAPIObject | undefined;
  // Made when it is first asked for: it costs a quarter of the start, and most starts are never asked.
  SwaggerModule.setup('docs', app, () => (described ??= document(app)), {
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Daybook API',
  });
}

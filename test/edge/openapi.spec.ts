/**
 * The OpenAPI document is the API. It is valid OpenAPI 3.1, contains every route, and its examples and schemas match
 * the running service.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { readDocument, tableOf } from '../support/markdown.js';
import { dereferenced } from '../support/openapi.js';
import { holdLane } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

interface Media {
  schema?: object & { example?: unknown };
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

interface Operation {
  operationId: string;
  summary?: string;
  tags?: string[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; content?: Record<string, Media> }>;
  callbacks?: Record<string, Record<string, { post: Operation }>>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; responses: Operation['responses'] };
}

const JSON_TYPE = 'application/json';
const DAYBOOK = fileURLToPath(new URL('../../scripts/daybook.js', import.meta.url));
const ROUTES = fileURLToPath(new URL('../support/routes.js', import.meta.url));

let daybook: Daybook;
/** As the service sends it. */
let raw: Document;
let size: number;
/** With every reference resolved. */
let document: Document;
beforeAll(async () => {
  daybook = await startDaybook({ env: UNLIMITED });
  const reply = await get(daybook, '/openapi.json');
  raw = reply.json;
  size = Buffer.byteLength(reply.text);
  document = dereferenced(raw);
  // Workers cannot lease the lanes of the examples, so no callback is sent to example.com.
  for (const lane of ['default', 'monthly']) await holdLane(daybook, lane);
});

/** Every documented operation by its route, such as `POST /api/sync`. */
function operations(): [route: string, operation: Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      described,
    ]),
  );
}

function operation(route: string): Operation {
  return operations().find(([name]) => name === route)![1];
}

/** The queue board is not in the document: its routes are those of its library. */
const BOARD = / \/admin\/queues\b/;

/** Every route that the controllers of the build declare. */
async function declaredRoutes(): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [ROUTES]);
  return JSON.parse(stdout) as string[];
}

function examplesOf({ requestBody }: Operation): unknown[] {
  const { schema, example, examples } =
    requestBody?.content[JSON_TYPE] ?? Object.values(requestBody?.content ?? {})[0] ?? {};
  const single = example ?? schema?.example;
  return [...Object.values(examples ?? {}).map(({ value }) => value), ...(single === undefined ? [] : [single])];
}

/** Fails unless the status is documented and the body matches its schema. */
function expectAsDocumented(route: string, { status, headers, text, json }: Reply): void {
  const response = operation(route).responses[status];
  expect([route, status, response]).toEqual([route, status, expect.anything()]);
  const type = headers.get('content-type')!;
  const { schema } = response?.content?.[type] ?? response?.content?.[type.split(';')[0]!] ?? {};
  expect([route, schema]).toEqual([route, expect.anything()]);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const validate = ajv.compile({ ...schema });
  validate(json ?? text);
  expect(validate.errors ?? []).toEqual([]);
}

describe('/openapi.json', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(raw.openapi).toMatch(/^3\.1\.\d+$/);
    const { valid, errors } = await new Validator().validate({ ...structuredClone(raw) });
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  });

  it('contains every route and no other', async () => {
    const routes = await declaredRoutes();
    expect(routes).toContain('POST /api/sync');
    expect(
      operations()
        .map(([route]) => route)
        .toSorted(),
    ).toEqual(routes.filter((route) => !BOARD.test(route)).toSorted());
  });

  it('contains every operation that docs/api.md names, and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const named = tableOf(readDocument('docs/api.md'), 'Call').flatMap(([call = '']) =>
      call.split(', ').map((one) => one.replaceAll('`', '')),
    );
    expect(named.toSorted()).toEqual(documented.toSorted());
  });

  it('contains only routes that the service has', async () => {
    for (const [route, { requestBody }] of operations()) {
      const [method, path] = route.split(' ') as [string, string];
      // Refused, because without a body some routes seed books or run a load test.
      const body = requestBody && { colour: 'red' };
      const { json } = await send(daybook, method, path.replaceAll(/\{\w+\}/g, 'x'), { body });
      expect([route, json?.detail ?? '']).toEqual([route, expect.not.stringMatching(/^Cannot /)]);
    }
  });

  it('has a unique id, a summary and a tag for every operation', () => {
    const names = operations().map(([, { operationId }]) => operationId);
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
    for (const [route, { summary, tags }] of operations())
      expect([route, summary, tags]).toEqual([route, expect.stringMatching(/./), [expect.any(String)]]);
  });

  it('documents the success and the error response of every operation', () => {
    for (const [route, { responses }] of operations()) {
      const [[status, success] = [], ...others] = Object.entries(responses).filter(([code]) => /^20[012]$/.test(code));
      expect([route, status, success?.description]).toEqual([route, expect.any(String), expect.any(String)]);
      for (const [, { content }] of [[status, success!] as const, ...others]) {
        const [media] = Object.values(content ?? {});
        expect([route, media?.schema ?? media?.example]).toEqual([route, expect.anything()]);
      }
      expect(responses['default']?.content).toHaveProperty(['application/problem+json', 'schema']);
    }
  });

  it('gives every object of a request or an answer a name, and every error the same one', () => {
    const named = { $ref: expect.stringMatching(/^#\/components\/schemas\/[A-Z]\w+$/) };
    const problem = { $ref: '#/components/schemas/Problem' };
    const check = (where: string, content: Record<string, Media> = {}): void => {
      for (const [type, { schema }] of Object.entries(content)) {
        if (type === JSON_TYPE) expect([where, schema]).toEqual([where, named]);
        else if (type === 'application/problem+json') expect([where, schema]).toEqual([where, problem]);
        else expect([where, schema]).toEqual([where, { type: 'string' }]);
      }
    };
    for (const [name, { content }] of Object.entries(raw.components.responses)) check(name, content);
    for (const [path, methods] of Object.entries(raw.paths)) {
      for (const [method, { requestBody, responses }] of Object.entries(methods)) {
        check(`${method} ${path} request`, requestBody?.content);
        for (const [status, { content }] of Object.entries(responses)) check(`${method} ${path} ${status}`, content);
      }
    }
  });

  it('has the schemas that clients know by their name, and none that is never used', () => {
    const { schemas } = raw.components;
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining(
        `Problem Request RequestDetail RequestPage CallbackAttempt DeliveryTrace Lane Customer Order OrderItem JournalEntry
        Balances Period Event Booking Mail ApiKey NewApiKey BenchmarkRun Health HealthReport Action Callback Session
        Destination RedeliveryJob ReportType OrderImport SyncRequestBody AsyncRequestBody`.split(/\s+/),
      ),
    );
    const text = JSON.stringify(raw);
    for (const name of Object.keys(schemas)) expect(text).toContain(`"#/components/schemas/${name}"`);
    expect(text).not.toMatch(/\$defs|"definitions"/);
  });

  it('has only references that a validator resolves', () => {
    const ajv = new Ajv2020({ strict: false });
    formats.default(ajv);
    const { components } = raw;
    for (const name of Object.keys(components.schemas))
      expect(ajv.validate({ $ref: `#/components/schemas/${name}`, components }, 5)).toBe(false);
  });

  // It was 15 kB when every schema and error was written out where it is used.
  it('takes less than 3.7 kB for each operation', () => {
    expect(size / operations().length).toBeLessThan(3_700);
  });

  it('is printed by `daybook openapi` too, without a database', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [DAYBOOK, 'openapi'], { maxBuffer: 2 ** 24 });
    expect(JSON.parse(stdout)).toEqual(raw);
  });

  it('has examples of every request body', () => {
    const withBody = operations().filter(([, { requestBody }]) => requestBody !== undefined);
    expect(withBody.length).toBeGreaterThanOrEqual(6);
    for (const [route, described] of withBody) expect([route, ...examplesOf(described)]).toHaveProperty('1');
  });

  it.each(['/api/sync', '/api/async'])('documents the callback of POST %s', (path) => {
    const [[expression, callback] = []] = Object.values(operation(`POST ${path}`).callbacks!).flatMap(Object.entries);
    expect(expression).toBe('{$request.body#/callback_url}');
    const { requestBody, responses } = (callback as { post: Operation }).post;
    expect(requestBody!.content[JSON_TYPE]!.schema).toBeDefined();
    expect(Object.keys(responses)).toContain('2XX');
  });
});

describe('the running service', () => {
  it.each([
    'POST /api/sync',
    'POST /api/async',
    'POST /api/callbacks/receive',
    'POST /api/callbacks/simulate-failures',
    'POST /api/callback-secrets/rotate',
  ])('accepts every example of %s, and answers as documented', async (route) => {
    const examples = examplesOf(operation(route));
    expect(examples).not.toHaveLength(0);
    for (const example of examples) {
      const reply = await post(daybook, route.slice('POST '.length), example as object);
      expect([200, 202]).toContain(reply.status);
      if (route.endsWith('sync')) expectAsDocumented(route, reply);
    }
  });

  it('answers as documented', async () => {
    const created = (await post(daybook, '/api/sync', { num_transactions: 5 })).json;
    const id = created.request_id as string;
    const call = async (method: string, path: string, fill: Record<string, string> = {}) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => fill[name]!);
      const reply = await send(daybook, method, filled);
      expect(reply.status).toBe(200);
      expectAsDocumented(`${method} ${path}`, reply);
    };
    await call('GET', '/api/requests');
    await call('GET', '/api/requests/{id}', { id });
    await call('GET', '/api/requests/{id}/callback-logs', { id });
    await call('GET', '/api/reports/{file_name}', { file_name: created.file_name });
    await call('GET', '/api/report-types');
    await call('DELETE', '/api/requests/{id}', { id });
    await call('DELETE', '/api/requests');
    for (const path of ['/healthz', '/api/health', '/readyz']) await call('GET', path);
  });

  it('answers errors as documented', async () => {
    for (const reply of [
      await post(daybook, '/api/sync', { lane: '' }),
      await post(daybook, '/api/sync', { callback_url: 'http://10.0.0.1/' }),
      await get(daybook, '/nope'),
    ]) {
      expectAsDocumented('POST /api/sync', { ...reply, status: 'default' as unknown as number });
    }
  });
});

it('/docs shows the document, with all its assets', async () => {
  const page = await get(daybook, '/docs');
  expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
  expect(page.text).toContain('Daybook API');
  const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source!);
  expect(sources.length).toBeGreaterThanOrEqual(3);
  for (const source of sources) {
    const { status } = await get(daybook, new URL(source, `${daybook.url}/docs`).pathname);
    expect([source, status]).toEqual([source, 200]);
  }
});

it.each(['/docs-yaml', '/docs-json', '/openapi.yaml'])(
  '%s is 404, because docs/authentication.md lists the open paths',
  async (path) => {
    expect((await get(daybook, path)).status).toBe(404);
  },
);

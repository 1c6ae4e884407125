/**
 * Every invalid request gets problem details that name the error and its place, without internals, and has no
 * effect: no row, no idempotency key, no position in a lane.
 */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { REQUEST_TABLES } from '../support/tables.js';

const UNKNOWN_ID = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';
const KIB = 1_024;
const NUL = 'a\0b';
const LONE_HIGH = 'a\ud83db';
const LONE_LOW = 'a\ude00b';
const MODES = ['sync', 'async'] as const;
type Row = [title: string, fields: object, path: string];
interface OpenApi {
  paths: Record<string, Record<string, { requestBody?: { required?: boolean; content: Record<string, unknown> } }>>;
}

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, CALLBACK_ALLOW: '' } });
});

afterEach(async () => {
  const stored = `SELECT 'request ' || id FROM requests UNION SELECT 'key ' || key FROM idempotency_keys`;
  const rows = await sql(daybook, `${stored} UNION SELECT 'lane ' || name FROM lanes`);
  if (rows.length > 0) await sql(daybook, `TRUNCATE ${REQUEST_TABLES}, idempotency_keys, lanes CASCADE`);
  expect(rows).toEqual([]);
});

/** Sends an otherwise valid body with an idempotency key, so that a stored key is noticed. */
function postFields(mode: string, fields: object) {
  const callback = mode === 'async' ? { callback_url: null } : {};
  return post(daybook, `/api/${mode}`, { ...callback, ...fields }, { 'Idempotency-Key': 'never-stored' });
}

function nested(depth: number): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
}

const WRONG_TRANSACTIONS: Row[] = [
  ...[['50'], 1.5, null, true, [50], { n: 50 }, 0, -1, 1_000_001, 1e21].map((value): Row => {
    const given = Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' ? value[0] : value;
    return [`num_transactions ${JSON.stringify(given)}`, { num_transactions: given }, 'num_transactions'];
  }),
  ...['../../x', '..%2f..%2fx', '=cmd()', '', 'x'.repeat(101), 'a\nb', 'Übersicht', NUL, LONE_HIGH, 5, null].map(
    (value): Row => [`report_name ${JSON.stringify(value).slice(0, 30)}`, { report_name: value }, 'report_name'],
  ),
  ...['yesterday', '2026-02-30', '0001-01-01', 20_260_301].map((value): Row => [
    `as_of ${value}`,
    { as_of: value },
    'as_of',
  ]),
];

const WRONG_DIGEST: Row[] = [
  ...['', 'x'.repeat(10_001), 5, null, ['x'], NUL, LONE_HIGH, LONE_LOW].map((value): Row => [
    `input_data ${JSON.stringify(value).slice(0, 30)}`,
    { input_data: value },
    'input_data',
  ]),
  ...['5', 0, -1, 1.5, 1_000_001, null].map((value): Row => [
    `iterations ${JSON.stringify(value)}`,
    { input_data: 'x', iterations: value },
    'iterations',
  ]),
  ['format of another report', { input_data: 'x', format: 'csv' }, 'format'],
  ['parameter of another report', { input_data: 'x', num_transactions: 5 }, 'num_transactions'],
];

const WRONG_ENVELOPE: Row[] = [
  ...['unknown', 'Transactions', '', '__proto__', NUL, LONE_LOW, 5, null].map((value): Row => [
    `report ${JSON.stringify(value)}`,
    { report: value },
    'report',
  ]),
  ...['', '.', '..', '%2e%2e', 'a b', 'a/b', 'x'.repeat(65), NUL, LONE_HIGH, 5, null].map((value): Row => [
    `lane ${JSON.stringify(value).slice(0, 30)}`,
    { lane: value },
    'lane',
  ]),
  ...['pdf', 'CSV', '', NUL, 5, null].map((value): Row => [
    `format ${JSON.stringify(value)}`,
    { format: value },
    'format',
  ]),
  ...[5, true, ['https://example.com/'], NUL, LONE_LOW].map((value): Row => [
    `callback_url ${JSON.stringify(value)}`,
    { callback_url: value },
    'callback_url',
  ]),
  ['callback_url over 2,048 characters', { callback_url: 'https://example.com/'.padEnd(2_049, 'x') }, 'callback_url'],
  ...[null, 5, 'x', [], true].map((value): Row => [`payload ${JSON.stringify(value)}`, { payload: value }, 'payload']),
];

const WRONG_SHAPE: Row[] = [
  ['unknown field, flat', { num_transactions: 5, colour: 'red' }, 'colour'],
  ['unknown field beside payload', { payload: { num_transactions: 5 }, colour: 'red' }, 'colour'],
  ['parameter beside payload', { payload: {}, num_transactions: 5 }, 'num_transactions'],
  ['unknown field in payload', { payload: { colour: 'red' } }, 'payload.colour'],
  ['wrong value in payload', { payload: { num_transactions: '50' } }, 'payload.num_transactions'],
  ['NUL in payload', { payload: { report_name: NUL } }, 'payload.report_name'],
  ['lone surrogate deep down', { payload: { report_name: [{ x: LONE_LOW }] } }, 'payload.report_name.0.x'],
  ['a field name with NUL', { [NUL]: 1 }, ''],
  ['a field name with a lone surrogate', { payload: { [LONE_HIGH]: 1 } }, 'payload'],
  ['33 levels', { payload: nested(33) }, `payload${'.a'.repeat(31)}`],
  ['__proto__', JSON.parse('{"__proto__": {"lane": "x"}}') as object, '__proto__'],
  ['__proto__ in payload', JSON.parse('{"payload": {"__proto__": {}}}') as object, 'payload.__proto__'],
  ['constructor', { constructor: { prototype: {} } }, 'constructor'],
];

describe.each(MODES)('POST /api/%s answers 422 with the path of', (mode) => {
  it.each([...WRONG_TRANSACTIONS, ...WRONG_DIGEST, ...WRONG_ENVELOPE, ...WRONG_SHAPE])(
    '%s',
    async (_, fields, path) => {
      const reply = await postFields(mode, fields);
      expectProblem(reply, 422, `/api/${mode}`);
      expect(reply.json.errors).toContainEqual({ path, message: expect.stringMatching(/./) });
      for (const { path: at } of reply.json.errors) expect([path, 'callback_url']).toContain(at);
    },
  );

  it.each(['[]', '[{"num_transactions": 5}]', '', undefined])('the whole body %j', async (body) => {
    const reply = await post(daybook, `/api/${mode}`, body);
    expectProblem(reply, 422, `/api/${mode}`);
    expect(reply.json.errors).toEqual([{ path: '', message: expect.stringContaining('JSON object') }]);
  });

  it('every issue at once', async () => {
    const { json } = await postFields(mode, { num_transactions: 0, report_name: '', lane: '', colour: 'red' });
    const paths = json.errors.map(({ path }: { path: string }) => path);
    expect(paths.toSorted()).toEqual(['colour', 'lane', 'num_transactions', 'report_name']);
  });
});

it('POST /api/async requires callback_url, or null', async () => {
  const reply = await post(daybook, '/api/async', { num_transactions: 5 });
  expectProblem(reply, 422, '/api/async');
  expect(reply.json.errors).toEqual([{ path: 'callback_url', message: expect.stringContaining('null') }]);
});

const UNCALLABLE = [
  '',
  'example.com/hook',
  'ftp://example.com/hook',
  'javascript:alert(1)',
  'https://example.com/a b',
  'http://user:secret@example.com/',
  'https://example.com:22/',
  'http://127.0.0.1/hook',
  'http://10.0.0.1/hook',
  'http://169.254.169.254/latest/meta-data',
  'http://[::1]/hook',
  'http://intranet/hook',
];

describe.each(MODES)('POST /api/%s answers 400 with the path callback_url for', (mode) => {
  it.each(UNCALLABLE.map((url) => [url.slice(0, 40), url]))('%s', async (_, callback_url) => {
    const reply = await postFields(mode, { num_transactions: 5, callback_url });
    expectProblem(reply, 400, `/api/${mode}`);
    expect(reply.json.errors).toEqual([{ path: 'callback_url', message: reply.json.detail }]);
    expect(reply.text).not.toContain('secret');
  });
});

describe.each(MODES)('POST /api/%s, before validation,', (mode) => {
  it.each(['{', '{"num_transactions": }', "{'num_transactions': 5}", '{"a":1}{"b":2}', 'null', '"text"', '5', '\0'])(
    'answers 400 to %j, which is not a JSON object or array',
    async (body) => {
      const reply = await post(daybook, `/api/${mode}`, body);
      expectProblem(reply, 400, `/api/${mode}`);
      expect(reply.json.detail).toBe('The body is not valid JSON');
    },
  );

  it('answers 400 to a body that is not UTF-8', async () => {
    const body = Buffer.from('{"callback_url": null, "input_data": "caf\xe9"}', 'latin1');
    expectProblem(await post(daybook, `/api/${mode}`, body), 400, `/api/${mode}`);
  });

  it('answers 413 over 256 KiB, and 422 up to it', async () => {
    const bodyOf = (bytes: number) => JSON.stringify({ lane: '' }).padEnd(bytes);
    expectProblem(await post(daybook, `/api/${mode}`, bodyOf(256 * KIB)), 422, `/api/${mode}`);
    expectProblem(await post(daybook, `/api/${mode}`, bodyOf(256 * KIB + 1)), 413, `/api/${mode}`);
    expectProblem(await post(daybook, `/api/${mode}`, bodyOf(KIB * KIB)), 413, `/api/${mode}`);
  });

  it.each(['gzip', 'br', 'deflate', 'rot13', 'gzip, identity'])(
    'answers 415 to Content-Encoding: %s',
    async (encoding) => {
      const body = gzipSync(JSON.stringify({ num_transactions: 5, callback_url: null }));
      expectProblem(await post(daybook, `/api/${mode}`, body, { 'Content-Encoding': encoding }), 415, `/api/${mode}`);
    },
  );

  it.each(['utf8', 'UTF-8', 'latin1', 'x'])('reads JSON as UTF-8 with charset=%s', async (charset) => {
    const type = { 'content-type': `application/json; charset=${charset}`, 'content-encoding': 'identity' };
    const reply = await post(daybook, `/api/${mode}`, JSON.stringify({ ['\u00fc']: 1 }), type);
    expectProblem(reply, 422, `/api/${mode}`);
    expect(reply.json.errors).toContainEqual(expect.objectContaining({ path: '\u00fc' }));
    const latin1 = Buffer.from('{"\u00fc": 1}', 'latin1');
    expectProblem(await post(daybook, `/api/${mode}`, latin1, type), 400, `/api/${mode}`);
  });

  it.each<Record<string, string>>([
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    { 'Content-Type': 'application/xml' },
    { 'Content-Type': 'nonsense' },
  ])('answers 415 to %j', async (headers) => {
    const body = JSON.stringify({ num_transactions: 5, callback_url: null });
    expectProblem(await post(daybook, `/api/${mode}`, Buffer.from(body), headers), 415, `/api/${mode}`);
  });

  it('rejects nesting deeper than the stack without a crash', async () => {
    const depth = 100_000;
    const body = `{"callback_url": null, "report_name": ${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const reply = await post(daybook, `/api/${mode}`, body, { 'Idempotency-Key': 'never-stored' });
    expectProblem(reply, 422, `/api/${mode}`);
    expect(reply.json.errors[0].message).toContain('nested');
  });

  it.each([
    ['empty', ''],
    ['empty in quotes', '""'],
    ['of 256 characters', 'x'.repeat(256)],
    ['not ASCII', 'caf\u00e9'],
    ['with a tab', 'a\tb'],
  ])('answers 400 to an idempotency key that is %s', async (_, key) => {
    for (const header of ['Idempotency-Key', 'X-Idempotency-Key']) {
      const reply = await post(daybook, `/api/${mode}`, { callback_url: null }, { [header]: key });
      expectProblem(reply, 400, `/api/${mode}`);
      expect(reply.json).toMatchObject({
        type: 'urn:daybook:problem:idempotency-key-invalid',
        detail: expect.stringContaining(header),
      });
    }
  });
});

describe('404 for', () => {
  it.each([
    ['GET', '/nope'],
    ['GET', '/api'],
    ['POST', '/api/nope'],
  ])('%s %s', async (method, path) => {
    expectProblem(await send(daybook, method, path), 404, path);
  });

  const unknownIds = [
    UNKNOWN_ID,
    UNKNOWN_ID.toUpperCase(),
    '1',
    'abc',
    `${UNKNOWN_ID}0`,
    "' OR 1=1",
    'x'.repeat(500),
    '../..',
    NUL,
  ];
  it.each(unknownIds.map((id) => [JSON.stringify(id).slice(0, 40), id]))('the request %s', async (_, id) => {
    const path = `/api/requests/${encodeURIComponent(id)}`;
    for (const [method, at] of [
      ['GET', path],
      ['DELETE', path],
      ['GET', `${path}/callback-logs`],
    ] as const) {
      const reply = await send(daybook, method, at);
      expectProblem(reply, 404);
      expect(reply.json.detail).toBe('Request not found');
    }
  });
});

it.each([
  ['GET', '/api/sync', 'POST'],
  ['PUT', '/api/async/', 'POST'],
  ['PATCH', `/api/requests/${UNKNOWN_ID}`, 'DELETE, GET'],
  ['POST', '/api/requests', 'DELETE, GET'],
  ['DELETE', '/healthz', 'GET'],
])('%s %s is 405 with Allow: %s', async (method, path, allowed) => {
  const reply = await send(daybook, method, path);
  expectProblem(reply, 405, path);
  expect(reply.headers.get('allow')).toBe(allowed);
});

describe('a percent sequence that is not UTF-8 is 400', () => {
  const INVALID = ['%ff', '%zz', '%', '%4', 'a%ED%A0%80', '%c0%80', '%f4%90%80%80', '%u0041'];

  it.each([
    ['/api/requests', 'lane'],
    ['/api/callbacks', 'since'],
    ['/api/customers', 'email'],
    ['/healthz', 'x'],
    ['/docs', 'x'],
    ['/nope', 'x'],
  ])('in the query of %s, and names the parameter', async (path, name) => {
    for (const value of INVALID) {
      const reply = await get(daybook, `${path}?limit=1&${name}=${value}&z=%20`);
      expectProblem(reply, 400, path);
      expect(reply.json.type).toBe('urn:daybook:problem:percent-encoding-invalid');
      expect(reply.json.errors).toEqual([{ path: name, message: expect.stringContaining(`query parameter ${name} `) }]);
    }
  });

  it('in the name of a parameter', async () => {
    const { json } = await get(daybook, '/api/requests?%ff=1');
    expect(json).toMatchObject({ status: 400, errors: [{ path: '%ff' }] });
  });

  it.each(['/api/requests/', '/api/lanes/', '/api/reports/', '/docs/', '/nope/'])('in the path %s', async (path) => {
    for (const value of INVALID) {
      const reply = await get(daybook, `${path}${value}`);
      expectProblem(reply, 400);
      expect(reply.json.detail).toMatch(/^The path has a percent sequence that is not UTF-8/);
    }
  });

  it('decodes valid sequences: + and %20 in a query are spaces, and %25 is a percent sign', async () => {
    const texts = ['a+b', 'a%20b', '%25ff', '%C3%A9', '%F0%9F%98%80'];
    for (const email of texts) expect((await get(daybook, `/api/customers?email=${email}`)).status).toBe(200);
  });
});

it('every route that needs a body returns the same error when it is missing', async () => {
  const { paths } = (await get(daybook, '/openapi.json')).json as OpenApi;
  const operations = Object.entries(paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, { requestBody }]) => ({ method: method.toUpperCase(), path, requestBody })),
  );
  const posts = operations.filter(
    ({ requestBody }) => requestBody?.required && requestBody.content['application/json'],
  );
  expect(posts.length).toBeGreaterThan(10);
  const details = new Map<string, string[]>();
  for (const { method, path } of posts) {
    const { status, json } = await send(daybook, method, path.replace(/\{\w+\}/g, UNKNOWN_ID));
    if (status === 401 || status === 403) continue;
    const said = `${status} ${json.errors?.map((issue: { message: string }) => issue.message).join()}`;
    details.set(said, [...(details.get(said) ?? []), `${method} ${path}`]);
  }
  expect([...details.keys()]).toEqual(['422 a JSON object is required, with Content-Type: application/json']);
  expect([...details.values()].flat()).toEqual(expect.arrayContaining(['POST /api/session', 'POST /api/customers']));
});

it.each([
  ['limit', ['0', '201', '-1', '1.5', 'ten', '', 'Infinity']],
  ['cursor', ['', '1', 'abc', `${UNKNOWN_ID}0`]],
  ['mode', ['both', 'SYNC', '']],
  ['status', ['DONE', 'completed', '']],
  ['lane', ['x'.repeat(65), '%00', 'a%00b']],
  ['report', ['x'.repeat(101), '%00']],
  ['colour', ['red']],
  ['__proto__', ['x']],
])('GET /api/requests answers 422 to a %s out of %j', async (field, values) => {
  for (const value of values) {
    const reply = await get(daybook, `/api/requests?${field}=${value}`);
    expectProblem(reply, 422, '/api/requests');
    expect(JSON.stringify(reply.json)).toContain(field);
  }
});

it('GET /api/requests answers 422 to a repeated parameter', async () => {
  expectProblem(await get(daybook, '/api/requests?limit=1&limit=2'), 422, '/api/requests');
});

it('GET /api/callbacks accepts a time with any offset, and explains how to encode a + that arrives as a space', async () => {
  for (const since of ['2026-11-30T07:00:00Z', '2026-11-30T07:00:00%2B00:00', '2026-11-30t07:00:00.123456-0530'])
    expect([since, (await get(daybook, `/api/callbacks?since=${since}`)).status]).toEqual([since, 200]);
  for (const since of ['2026-02-30T07:00:00Z', '0000-01-01T00:00:00Z', '2026-11-30', 'now'])
    expectProblem(await get(daybook, `/api/callbacks?since=${since}`), 422, '/api/callbacks');
  const reply = await get(daybook, '/api/callbacks?since=2026-11-30T07:00:00+00:00');
  expectProblem(reply, 422, '/api/callbacks');
  expect(reply.json.errors).toEqual([{ path: 'since', message: expect.stringContaining('write + as %2B') }]);
});

it('POST /api/callbacks/redeliver accepts times with any offset, and compares them', async () => {
  const redeliver = (since: string, until: string) =>
    post(daybook, '/api/callbacks/redeliver', { status: 'FAILED', since, until });
  expectProblem(await redeliver('2026-03-01T12:00:00+02:00', '2026-03-01T09:59:59Z'), 422);
  expect((await redeliver('2026-03-01T12:00:00+02:00', '2026-03-01T10:00:01.5+00:00')).status).toBe(202);
});

it('afterwards the request log is empty, and no error was logged', async () => {
  expect((await get(daybook, '/api/requests')).json).toEqual({ requests: [], next_cursor: null });
  expect(daybook.output()).not.toContain('ERROR');
});

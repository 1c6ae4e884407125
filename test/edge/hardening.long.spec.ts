/**
 * Web pages of other origins cannot use the API through a browser, slow clients cannot hold connections, and
 * malformed HTTP gets problem details.
 */
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { UNLIMITED } from '../support/submit.js';

const ALLOWED_ORIGIN = 'https://app.example.com';
let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, REQUEST_TIMEOUT: '1s', CORS_ORIGINS: ALLOWED_ORIGIN } });
});

/** Sends raw text and returns the whole response once the service closes the connection. */
function sendRaw(text: string, { url }: Daybook): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.on('close', () => resolve(answer)).on('error', reject);
    socket.write(text);
  });
}

async function askRaw(text: string, target = daybook): Promise<Reply> {
  const answer = await sendRaw(text, target);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const headers = new Headers(fields.map((field) => field.split(': ') as [string, string]));
  return { status: Number(line.split(' ')[1]), headers, text: body, json: JSON.parse(body) };
}

const HEAD = 'POST /api/sync HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
const JSON_OF_2 = 'Content-Type: application/json\r\nContent-Length: 2\r\n';

describe('problem details for', () => {
  it.each([
    ['text that is not HTTP', 'HELO example.com\r\n\r\n', 400],
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['a length and chunks', `${HEAD}${JSON_OF_2}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a line break in a header', `${HEAD}X-A: a\n b\r\n\r\n`, 400],
    ['a header of 17 KiB', `${HEAD}X-A: ${'a'.repeat(17 * 1_024)}\r\n\r\n`, 431],
    ['101 headers', `${HEAD}${'X-A: a\r\n'.repeat(101)}\r\n`, 431],
    ['an unknown expectation', `${HEAD}${JSON_OF_2}Expect: tea\r\n\r\n{}`, 417],
    ['an incomplete head', 'POST /api/sync HTTP/1.1\r\nHost: day', 408],
    ['an incomplete body', `${HEAD}${JSON_OF_2}\r\n{`, 408],
    ['a silent connection', '', 408],
  ])('%s', async (_, text, status) => {
    expectProblem(await askRaw(text), status);
  });
});

describe('a browser', () => {
  it('must load everything from this origin, run no inline script, and not frame the page', async () => {
    const { headers } = await get(daybook, '/docs');
    const policy = headers.get('content-security-policy')!.split(';');
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'self'",
        "script-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
      ]),
    );
    expect(policy.join()).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('gets a page without inline scripts', async () => {
    const { text } = await get(daybook, '/docs');
    expect(text).not.toMatch(/<script(?![^>]*src=)[^>]*>/);
    expect(text).not.toMatch(/\son\w+=/);
  });

  it.each([
    ['200', (target: Daybook) => get(target, '/api/requests')],
    ['400', (target: Daybook) => post(target, '/api/sync', '{')],
    ['404', (target: Daybook) => get(target, '/api/requests/1')],
    ['415', (target: Daybook) => post(target, '/api/sync', 'a=b', { 'Content-Type': 'text/plain' })],
    ['422', (target: Daybook) => post(target, '/api/sync', { lane: '' })],
  ])('cannot render a response %s of the API as a page', async (status, call) => {
    const { headers, ...reply } = await call(daybook);
    expect(reply.status).toBe(Number(status));
    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });
});

describe('a page of another origin', () => {
  /** Like a form without fields: no body, so browsers send no preflight. */
  const submit = (headers: Record<string, string>, target = daybook) =>
    post(target, '/api/lanes/forged/pause', undefined, headers);
  const EVIL = 'https://evil.example';

  it.each<[string, Record<string, string>]>([
    ['in another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['on another port or subdomain', { 'Sec-Fetch-Site': 'same-site' }],
    ['in a browser that names it', { Origin: EVIL }],
    ['in a browser that does both', { Origin: EVIL, 'Sec-Fetch-Site': 'cross-site' }],
    ['on another port of this machine', { Origin: 'http://127.0.0.1:1' }],
    ['in a frame that has no origin', { Origin: 'null' }],
    ['whose origin begins like an allowed one', { Origin: `${ALLOWED_ORIGIN}.evil.example` }],
  ])('%s cannot change anything', async (_, headers) => {
    const reply = await submit(headers);
    expectProblem(reply, 403, '/api/lanes/forged/pause');
    expect(reply.json.type).toBe('urn:daybook:problem:foreign-origin');
    const { lanes } = (await get(daybook, '/api/lanes')).json;
    expect(lanes).not.toContainEqual(expect.objectContaining({ lane: 'forged' }));
  });

  it.each([
    ['POST', '/api/callback-secrets/rotate'],
    ['POST', '/api/benchmark/both'],
    ['POST', '/api/callbacks/receive'],
    ['PUT', '/api/lanes/forged'],
    ['DELETE', '/api/requests'],
  ])('cannot %s %s', async (method, path) => {
    expectProblem(await send(daybook, method, path, { headers: { 'Sec-Fetch-Site': 'cross-site' } }), 403, path);
  });

  it('may link to safe methods', async () => {
    expect((await get(daybook, '/docs', { 'Sec-Fetch-Site': 'cross-site' })).status).toBe(200);
  });

  it.each<[string, () => Record<string, string>]>([
    ['our own page', () => ({ Origin: daybook.url, 'Sec-Fetch-Site': 'same-origin' })],
    ['a page of CORS_ORIGINS', () => ({ Origin: ALLOWED_ORIGIN, 'Sec-Fetch-Site': 'cross-site' })],
    ['the user', () => ({ 'Sec-Fetch-Site': 'none' })],
    ['no browser', () => ({})],
  ])('does not include %s', async (_, headers) => {
    expect((await post(daybook, '/api/lanes/ours/pause', undefined, headers())).status).toBe(200);
  });

  it('is rejected on any address, and needs an API key with AUTH=required', async () => {
    const open = await startDaybook({ env: { HOST: '0.0.0.0', ALLOW_OPEN: 'true' } });
    expectProblem(await submit({ Origin: EVIL }, open), 403);
    const closed = await startDaybook({ env: { AUTH: 'required' } });
    expectProblem(await submit({ Origin: EVIL }, closed), 401);
  });
});

describe('a host name that resolves to this machine (DNS rebinding)', () => {
  const call = (host: string, path = '/api/callback-secrets', target = daybook) =>
    askRaw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, target);

  it.each(['evil.example', 'evil.example:3000', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])(
    '%s is rejected',
    async (host) => {
      for (const path of ['/api/callback-secrets', '/api/reports/x', '/healthz', '/docs', '/openapi.json']) {
        const reply = await call(host, path);
        expectProblem(reply, 421, path);
        expect(reply.json.type).toBe('urn:daybook:problem:foreign-host');
      }
    },
  );

  it.each([
    'localhost',
    'LOCALHOST:3000',
    'localhost.',
    'daybook.localhost:3000',
    '127.0.0.1:3000',
    '127.1.2.3',
    '[::1]:3000',
    'app.example.com',
  ])('%s is accepted', async (host) => {
    expect((await call(host)).status).toBe(200);
  });

  it('is not checked on other addresses or with AUTH=required', async () => {
    const open = await startDaybook({ env: { HOST: '0.0.0.0', ALLOW_OPEN: 'true' } });
    expect((await call('daybook.internal', '/api/callback-secrets', open)).status).toBe(200);
    const closed = await startDaybook({ env: { AUTH: 'required' } });
    expect((await call('daybook.internal', '/healthz', closed)).status).toBe(200);
  });
});

it('an object of more than 1,000 fields is rejected', async () => {
  const fields = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`f${index}`, 1]));
  const reply = await post(daybook, '/api/sync', { payload: fields });
  expectProblem(reply, 422);
  expect(reply.json.errors).toEqual([{ path: 'payload', message: 'must not have more than 1000 fields' }]);
});

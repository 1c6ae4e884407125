/**
 * The promise: no page of a stranger can use the API through a browser, no connection is held by sending slowly, and what
 * is no proper request is told so.
 */
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply } from './support/client.js';
import { type Daybook, startDaybook } from './support/daybook.js';
import { UNLIMITED } from './support/submit.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, REQUEST_TIMEOUT: '1s' } });
});

/** Sends bytes as they are, and gives all that comes back until the service closes the connection. */
function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(daybook.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.on('close', () => resolve(answer)).on('error', reject);
    socket.write(text);
  });
}

async function askRaw(text: string): Promise<Reply> {
  const answer = await sendRaw(text);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const headers = new Headers(fields.map((field) => field.split(': ') as [string, string]));
  return { status: Number(line.split(' ')[1]), headers, text: body, json: JSON.parse(body) };
}

const HEAD = 'POST /api/sync HTTP/1.1\r\nHost: daybook\r\nConnection: close\r\n';
const JSON_OF_2 = 'Content-Type: application/json\r\nContent-Length: 2\r\n';

describe('what is no proper request is told so:', () => {
  it.each([
    ['no HTTP', 'HELO example.com\r\n\r\n', 400],
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['a length beside chunks', `${HEAD}${JSON_OF_2}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a line break in a header', `${HEAD}X-A: a\n b\r\n\r\n`, 400],
    ['a header of 17 KiB', `${HEAD}X-A: ${'a'.repeat(17 * 1_024)}\r\n\r\n`, 431],
    ['101 headers', `${HEAD}${'X-A: a\r\n'.repeat(101)}\r\n`, 431],
    ['another expectation', `${HEAD}${JSON_OF_2}Expect: tea\r\n\r\n{}`, 417],
    ['a head that stops half-way', 'POST /api/sync HTTP/1.1\r\nHost: day', 408],
    ['a body that stops half-way', `${HEAD}${JSON_OF_2}\r\n{`, 408],
    ['a connection that says nothing', '', 408],
  ])('%s', async (_, text, status) => {
    expectProblem(await askRaw(text), status);
  });
});

describe('a browser', () => {
  it('is told to let a page load nothing from elsewhere, run nothing inline, and be framed by nobody', async () => {
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

  it('gets a page that lives with that: no script stands in it', async () => {
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
  ])('can take no answer %s of the API for a page', async (status, ask) => {
    const { headers, ...reply } = await ask(daybook);
    expect(reply.status).toBe(Number(status));
    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });
});

it('an object of more than 1,000 fields is refused', async () => {
  const fields = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`f${index}`, 1]));
  const reply = await post(daybook, '/api/sync', { payload: fields });
  expectProblem(reply, 422);
  expect(reply.json.errors).toEqual([{ path: 'payload', message: 'must not have more than 1000 fields' }]);
});

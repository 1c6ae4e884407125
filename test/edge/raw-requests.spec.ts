/**
 * Malformed requests over a raw connection get a clear response, and no connection hangs. A repeated header that may
 * have only one value is refused.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { openRaw } from '../support/raw-http.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook();
});

async function answerTo(lines: string[]): Promise<string> {
  const connection = openRaw(daybook);
  const body = '{"input_data":"x","iterations":1}';
  const all = ['POST /api/sync HTTP/1.1', 'Connection: close', `Content-Length: ${body.length}`, ...lines, '', body];
  connection.socket.write(all.join('\r\n'));
  return connection.closed;
}

const TYPE = 'Content-Type: application/json';

it.each([
  'Idempotency-Key',
  'X-Idempotency-Key',
  'Authorization',
  'Content-Type',
  'Host',
  'Origin',
  'Daybook-Account',
  'If-Modified-Since',
  'If-Unmodified-Since',
])('%s', async (name) => {
  const value = { Host: 'localhost', 'Content-Type': 'application/json', Origin: daybook.url }[name] ?? 'k';
  const lines = [`${name}: ${value}`, 'X-Other: 1', `${name.toLowerCase()}: ${value}`];
  if (name !== 'Host') lines.push('Host: localhost');
  if (name !== 'Content-Type') lines.push(TYPE);
  const answer = await answerTo(lines);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain(`The header ${name.toLowerCase()} may come once`);
});

it('a missing Host is refused with problem details', async () => {
  const connection = openRaw(daybook);
  connection.socket.write('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n');
  const answer = await connection.closed;
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toMatch(/\r\nx-request-id: /i);
  expect(answer).toContain('"detail":"The header Host is missing"');
});

it('headers that are lists may come more than once', async () => {
  const lists = ['Accept: text/html', 'Accept: */*', 'Prefer: wait=5', 'Prefer: respond-async', 'X-Forwarded-For: a'];
  const answer = await answerTo(['Host: localhost', TYPE, ...lists, 'X-Forwarded-For: b']);
  expect(answer).toMatch(/^HTTP\/1\.1 20[02] /);
});

/** Sends text on a new connection. @returns The bytes received until the service closes the connection. */
async function answerToRaw(text: string): Promise<string> {
  const connection = openRaw(daybook);
  connection.socket.write(text, 'latin1');
  return connection.closed;
}

const HOST = 'Host: localhost\r\n';
const END = `${HOST}Connection: close\r\n\r\n`;
const EMPTY_CHUNKS = `Transfer-Encoding: gzip, chunked\r\n${END}0\r\n\r\n`;

it.each([
  ['CONNECT to another host', `CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n`, 405, 'CONNECT'],
  ['CONNECT with bytes for the tunnel', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n\r\n`, 405, 'CONNECT'],
  ['CONNECT of HTTP/1.0', 'CONNECT a:1 HTTP/1.0\r\n\r\n', 405, 'CONNECT'],
  ['an unknown method', `FOO /healthz HTTP/1.1\r\n${END}`, 400, 'method'],
  ['a method in lower case', `get /healthz HTTP/1.1\r\n${END}`, 400, 'method'],
  ['TRACE', `TRACE /healthz HTTP/1.1\r\n${END}`, 405, 'allows GET'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'TLS'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'HTTP/1.1'],
  ['the version 2.0', `GET /healthz HTTP/2.0\r\n${END}`, 400, 'HTTP/1.1'],
  ['the version 1.2', `GET /healthz HTTP/1.2\r\n${END}`, 400, 'HTTP/1.1'],
  ['a request without a version', 'GET /healthz\r\n\r\n', 400, 'HTTP/1.1'],
  ['the target * of GET', `GET * HTTP/1.1\r\n${END}`, 400, 'must be a path'],
  ['another scheme', `GET ftp://localhost/healthz HTTP/1.1\r\n${END}`, 400, 'must be a path'],
  ['a user in the target', `GET http://me@localhost/healthz HTTP/1.1\r\n${END}`, 400, 'must be a path'],
  ['a fragment', `GET /healthz#top HTTP/1.1\r\n${END}`, 400, 'must be a path'],
  ['a target of another host', `GET http://evil.example/healthz HTTP/1.1\r\n${END}`, 421, 'Host'],
  [
    'an absolute target without Host',
    'GET http://localhost/healthz HTTP/1.1\r\nConnection: close\r\n\r\n',
    400,
    'Host',
  ],
  ['a Host with a space', 'GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400, 'Host'],
  ['a Host with user information', 'GET /healthz HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n', 400, 'Host'],
  ['a transfer coding', `POST /api/sync HTTP/1.1\r\n${EMPTY_CHUNKS}`, 400, 'chunked'],
])('%s gets a problem, and the connection closes', async (_, text, status, detail) => {
  const answer = await answerToRaw(text);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json/i);
  expect(answer).toMatch(/\r\nx-request-id: /i);
  expect(answer).toMatch(new RegExp(`"status":${status},"detail":"[^"]*${detail}`));
});

it('an absolute URL as the target is served like its path', async () => {
  const { host } = new URL(daybook.url);
  for (const target of [`http://${host}/healthz`, `HTTPS://localhost/healthz?x=1`]) {
    expect(await answerToRaw(`GET ${target} HTTP/1.1\r\n${END}`)).toMatch(/^HTTP\/1\.1 200 [^]*"status":"ok"/);
  }
  expect(await answerToRaw(`GET http://${host}/requests?limit=1 HTTP/1.1\r\n${END}`)).toMatch(
    /^HTTP\/1\.1 200 [^]*"requests":/,
  );
  expect(await answerToRaw(`GET http://${host} HTTP/1.1\r\n${END}`)).toMatch(/^HTTP\/1\.1 200 [^]*<title>Daybook/);
});

it.each([
  ['*', 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'],
  ['/api/requests', 'DELETE, GET'],
  ['/api/sync', 'POST'],
])('OPTIONS %s is 204 with Allow: %s', async (target, allowed) => {
  const answer = await answerToRaw(`OPTIONS ${target} HTTP/1.1\r\n${END}`);
  expect(answer).toMatch(/^HTTP\/1\.1 204 /);
  expect(answer).toContain(`\r\nAllow: ${allowed}\r\n`);
});

describe.each(['h2c', 'websocket', 'TLS/1.0, HTTP/1.1'])('Upgrade: %s', (protocol) => {
  const upgrade = `${HOST}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
  const body = '{"input_data":"x","iterations":1}';
  const typed = `${upgrade}${TYPE}\r\n`;
  const post = `POST /api/sync HTTP/1.1\r\n${typed}Content-Length: ${body.length}\r\n\r\n${body}`;
  const chunk = `${body.length.toString(16)};a=b\r\n${body}\r\n0\r\nX-Trailer: y\r\n\r\n`;
  const chunked = `POST /api/sync HTTP/1.1\r\n${typed}Transfer-Encoding: chunked\r\n\r\n${chunk}`;

  it.each([
    ['GET', `GET /healthz HTTP/1.1\r\n${upgrade}\r\n`],
    ['a body', post],
    ['a chunked body', chunked],
  ])('%s is answered with HTTP/1.1, and every following request gets a response', async (_, text) => {
    const answer = await answerToRaw(`${text}GET /readyz HTTP/1.1\r\n${HOST}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/);
  });
});

it('none of these is logged as an error', () => {
  expect(daybook.output()).not.toContain('ERROR');
});

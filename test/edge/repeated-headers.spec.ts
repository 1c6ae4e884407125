/** Promise: a header that has one value and comes twice is refused, instead of one of the values being used. */
import { beforeAll, expect, it } from '@jest/globals';
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

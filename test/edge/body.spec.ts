/**
 * A request is authenticated and limited by its headers alone. Only then is its body read, within limits; a refused
 * upload gets its response, and is neither read without a bound nor asked for.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey, type TestKey } from '../support/keys.js';
import { openRaw } from '../support/raw-http.js';
import { UNLIMITED } from '../support/submit.js';

const MIB = 1_024 * 1_024;
const BODY = JSON.stringify({ input_data: 'x', iterations: 1 });

let daybook: Daybook;
let key: TestKey;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required', REQUEST_TIMEOUT: '5s' } });
  key = await createKey(daybook, ['reports:write']);
});

function head(fields: Record<string, string | number>, path = '/api/sync'): string {
  const all = { Host: 'localhost', 'Content-Type': 'application/json', ...fields };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`POST ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

describe('an anonymous caller gets 401 for a body that is', () => {
  it.each<[string, Record<string, string | number>]>([
    ['compressed', { 'Content-Encoding': 'br', 'Content-Length': 19 }],
    ['too large', { 'Content-Length': 2 * MIB }],
    ['of another type', { 'Content-Type': 'text/plain', 'Content-Length': 5 }],
    ['never sent', { 'Content-Length': 100 }],
    ['chunked and never sent', { 'Transfer-Encoding': 'chunked' }],
  ])('%s', async (_, fields) => {
    const connection = openRaw(daybook);
    connection.socket.write(head(fields));
    expect(await connection.received(/\r\n\r\n\{.*\}/)).toMatch(/^HTTP\/1\.1 401 /);
    connection.socket.destroy();
  });
});

describe('a refused upload', () => {
  it.each(['keep-alive', 'close'])(
    'of up to 2 MiB is read, so that the client sees the response (%s)',
    async (option) => {
      const connection = openRaw(daybook);
      connection.socket.write(head({ 'Content-Length': 2 * MIB, Connection: option }));
      await connection.received(/^HTTP\/1\.1 401 /);
      const half = Buffer.alloc(MIB, ' ');
      for (const part of [half, half]) {
        await new Promise<void>((resolve, reject) => {
          connection.socket.write(part, (error) => (error ? reject(error) : resolve()));
        });
      }
      if (option === 'close') {
        expect(await connection.closed).toMatch(/^HTTP\/1\.1 401 /);
        return;
      }
      connection.socket.write(head({ 'Content-Length': BODY.length, Authorization: key.headers.authorization }) + BODY);
      expect(await connection.received(/"status":"completed"/)).toContain('HTTP/1.1 200 ');
      connection.socket.destroy();
    },
  );

  it('without an end is closed', async () => {
    const connection = openRaw(daybook);
    connection.socket.write(head({ 'Content-Length': 1_000 * MIB }));
    const part = Buffer.alloc(64 * 1_024, ' ');
    let bytes = 0;
    const flood = (): void => {
      if (connection.socket.destroyed) return;
      bytes += part.length;
      connection.socket.write(part, () => setImmediate(flood));
    };
    flood();
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 401 /);
    expect(bytes).toBeLessThan(64 * MIB);
  });

  it('that stops is closed within a second or so', async () => {
    const started = Date.now();
    const connection = openRaw(daybook);
    connection.socket.write(head({ 'Content-Length': 100 }));
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 401 /);
    expect(Date.now() - started).toBeLessThan(4_000);
  });

  it('beyond eight at the same time is closed at once', async () => {
    const connections = Array.from({ length: 20 }, () => openRaw(daybook));
    for (const { socket } of connections) socket.write(head({ 'Content-Length': 100 }));
    const started = Date.now();
    const times = await Promise.all(connections.map(({ closed }) => closed.then(() => Date.now() - started)));
    expect(times.toSorted((a, b) => a - b)[11]).toBeLessThan(900);
    for (const { text } of connections) expect(text()).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('Expect: 100-continue', () => {
  const ask = async (fields: Record<string, string | number>) => {
    const connection = openRaw(daybook);
    connection.socket.write(head({ Expect: '100-continue', ...fields }));
    return { ...connection, first: await connection.received(/^HTTP\/1\.1 \d{3} .*\r\n\r\n/s) };
  };

  it('is not granted to an anonymous caller', async () => {
    const { first, closed } = await ask({ 'Content-Length': 100 });
    expect(first).toMatch(/^HTTP\/1\.1 401 /);
    expect(first).toMatch(/\r\nconnection: close\r\n/i);
    await closed;
  });

  it.each([
    ['too large', { 'Content-Length': 256 * 1_024 + 1 }, 413],
    ['compressed', { 'Content-Length': 10, 'Content-Encoding': 'gzip' }, 415],
  ])('is not granted to a body that is %s', async (_, fields, status) => {
    const { first, socket } = await ask({ ...fields, Authorization: key.headers.authorization });
    expect(first).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    socket.destroy();
  });

  it.each([
    ['a malformed idempotency key', { 'Idempotency-Key': 'ä' }, 400],
    ['an older malformed key', { 'X-Idempotency-Key': 'x'.repeat(256) }, 400],
    ['a precondition that cannot hold', { 'If-Match': '"1"' }, 412],
  ])('is not granted with %s', async (_, fields, status) => {
    const { first, socket } = await ask({ ...fields, 'Content-Length': 10, ...key.headers });
    expect(first).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    socket.destroy();
  });

  it('is granted to a body that will be read', async () => {
    const { first, socket, received } = await ask({
      'Content-Length': BODY.length,
      Authorization: key.headers.authorization,
    });
    expect(first).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(BODY);
    expect(await received(/"status":"completed"/)).toMatch(/HTTP\/1\.1 200 OK\r\n(?!.*\r\nconnection: close)/is);
    socket.destroy();
  });
});

describe('bodies in flight', () => {
  it('are bounded for each caller: further ones wait, then get 503, and other callers are not affected', async () => {
    const other = await createKey(daybook, ['reports:write']);
    const part = Buffer.alloc(250 * 1_024, ' ');
    const uploads = Array.from({ length: 40 }, () => openRaw(daybook));
    for (const { socket } of uploads) {
      socket.write(head({ 'Content-Length': part.length + 1, Authorization: key.headers.authorization }));
      socket.write(part);
    }
    const refused = await Promise.race(uploads.map(({ received }) => received(/^HTTP\/1\.1 503 .*\}/s)));
    expect(refused).toMatch(/\r\nretry-after: 1\r\n/i);
    const large = JSON.stringify({ input_data: 'x', iterations: 1 }).padEnd(200 * 1_024);
    expect((await post(daybook, '/api/sync', large, other.headers)).status).toBe(200);
    for (const { socket } of uploads) socket.destroy();
    expect((await post(daybook, '/api/sync', large, key.headers)).status).toBe(200);
  });
});

describe('a body', () => {
  const chunked = async (parts: string[], fields: Record<string, string> = {}, path?: string) => {
    const connection = openRaw(daybook);
    connection.socket.write(
      head({ 'Transfer-Encoding': 'chunked', Authorization: key.headers.authorization, ...fields }, path),
    );
    for (const part of parts) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      connection.socket.write(`${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
    }
    connection.socket.write('0\r\n\r\n');
    const answer = await connection.received(/\r\n\r\n\{.*\}/);
    connection.socket.destroy();
    return answer;
  };

  it('may arrive in parts', async () => {
    expect(await chunked([BODY.slice(0, 5), BODY.slice(5)])).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(['application/json', 'application/octet-stream'])('without bytes is no body, as %s', async (type) => {
    expect(await chunked([], { 'Content-Type': type }, '/api/lanes/empty/pause')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await chunked([], { 'Content-Type': type })).toMatch(/^HTTP\/1\.1 422 /);
  });

  it('is not read by health and metrics, which anyone may call', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const connection = openRaw(daybook);
      const lines = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Content-Length: 1000000', 'Expect: 100-continue'];
      connection.socket.write([...lines, '', ''].join('\r\n'));
      expect(await connection.received(/^HTTP\/1\.1 \d{3} .*\r\n\r\n/s)).toMatch(/^HTTP\/1\.1 200 /);
      connection.socket.destroy();
    }
  });

  it('in chunks of another type is 415', async () => {
    expect(await chunked(['a=b'], { 'Content-Type': 'text/plain' })).toMatch(/^HTTP\/1\.1 415 /);
  });

  it('in chunks over the limit is 413', async () => {
    expect(await chunked(Array(5).fill(' '.repeat(64 * 1_024)))).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('may have 1 MiB in a batch', async () => {
    const bodyOf = (bytes: number) => JSON.stringify({ requests: [] }).padEnd(bytes);
    const { headers } = key;
    for (const path of ['/api/batch', '/api/batch/']) {
      expectProblem(await post(daybook, path, bodyOf(MIB), headers), 422);
      expectProblem(await post(daybook, path, bodyOf(MIB + 1), headers), 413);
    }
  });
});

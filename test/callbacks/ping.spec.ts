/** A ping follows all rules of a callback and returns its full trace. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { readSecret, sign } from '../../src/callbacks/signing/signature.js';

const CALLBACK_SECRET = `whsec_${Buffer.alloc(32, 'ping').toString('base64')}`;

let daybook: Daybook;
beforeAll(async () => {
  const env = { CALLBACK_SECRET, CALLBACK_TIMEOUT: '4s', CALLBACK_ALLOW: '127.0.0.1/32', RATE_LIMIT_DEFAULT: 'off' };
  daybook = await startDaybook({ env });
});

const ping = (url: unknown) => post(daybook, '/api/callbacks/test', { url });

describe('a ping', () => {
  it('is sent once, signed, and returns its trace', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 202, body: 'pong', headers: { 'x-receiver': 'yes' } });
    const reply = await ping(`${receiver.url}/hook?a=b#c`);
    expect(reply.status).toBe(200);
    expect(receiver.received).toHaveLength(1);
    const [{ headers, raw, json, path }] = receiver.received as [(typeof receiver.received)[0]];
    expect([path, json]).toEqual(['/hook?a=b', { type: 'ping', timestamp: expect.any(String), account: 'open' }]);
    const id = headers['webhook-id'] as string;
    const wanted = sign(readSecret(CALLBACK_SECRET), id, headers['webhook-timestamp'] as string, raw);
    expect(headers['webhook-signature']).toBe(wanted);
    expect(reply.json).toEqual({
      webhook_id: id,
      url: `${receiver.url}/hook?a=b`,
      outcome: 'succeeded',
      success: true,
      dialled_address: '127.0.0.1',
      request_headers: expect.objectContaining({ 'webhook-id': id, 'webhook-signature': 'v1,…' }),
      body_bytes: raw.length,
      body_sha256: createHash('sha256').update(raw).digest('hex'),
      status_code: 202,
      response_headers: expect.objectContaining({ 'x-receiver': 'yes' }),
      response_body: 'pong',
      error_kind: null,
      error_message: null,
      timings: expect.objectContaining({ connect_ms: expect.any(Number), total_ms: expect.any(Number) }),
      response_time_ms: expect.any(Number),
      attempted_at: json.timestamp,
    });
  });

  it.each([
    ['a 500', { status: 500 }, { error_kind: 'status', status_code: 500 }],
    [
      'a redirect',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' } },
      { error_kind: 'status', status_code: 307 },
    ],
    ['silence', 'silence', { error_kind: 'timeout', status_code: null }],
    ['a dropped connection', 'drop', { error_kind: 'reset', status_code: null }],
  ] as const)('returns 200 after %s too, and is not retried', async (_, answer, wanted) => {
    const receiver = await startReceiver();
    receiver.answer(answer);
    const { status, json } = await ping(receiver.url);
    expect(status).toBe(200);
    expect(json).toMatchObject({ ...wanted, outcome: 'failed', success: false, error_message: expect.any(String) });
    expect(receiver.received).toHaveLength(1);
  });

  it.each(['http://10.0.0.1/', 'http://169.254.169.254/latest', 'ftp://example.com/', 'http://user@example.com/', 'x'])(
    'to %s is refused like a callback_url',
    async (url) => {
      const reply = await ping(url);
      expectProblem(reply, 400);
      expect(reply.json).toMatchObject({ type: 'urn:daybook:problem:callback-url-refused', errors: [{ path: 'url' }] });
    },
  );

  it.each([undefined, 7, '', `http://example.com/${'x'.repeat(2_048)}`])('to %j is invalid input', async (url) => {
    expectProblem(await ping(url), 422);
  });

  it('is not stored', async () => {
    const receiver = await startReceiver();
    await ping(receiver.url);
    const count = 'SELECT (SELECT count(*) FROM callback_logs) + (SELECT count(*) FROM callback_deliveries) AS kept';
    expect(await sql(daybook, count)).toEqual([{ kept: '0' }]);
  });

  it('is limited to 32 at a time', async () => {
    const receiver = await startReceiver();
    receiver.answer('silence');
    const replies = await Promise.all(Array.from({ length: 40 }, () => ping(receiver.url)));
    const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([...Array<number>(32).fill(200), ...Array<number>(8).fill(503)]);
  });
});

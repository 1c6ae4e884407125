import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type RequestDetail, getJson } from '../support/json.js';
import { type Answer, type Receiver, startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

/** Callbacks arrive at least once, in order, and each attempt is recorded. */
let daybook: Daybook;

beforeAll(async () => {
  const env = { ...UNLIMITED, CALLBACK_RETRY_DELAYS: '200ms,400ms,800ms', CALLBACK_TIMEOUT: '500ms' };
  daybook = await startDaybook({ env });
});

let lanes = 0;

/** Requests reports in a new lane, with callbacks to the receiver. */
async function ask(receiver: Receiver, count = 1, body: object = { num_transactions: 1 }): Promise<string[]> {
  const lane = `lane-${++lanes}`;
  const acknowledgements = await submitAsync(
    daybook.url,
    count,
    () => ({ ...body, lane, callback_url: receiver.url }),
    1,
  );
  return acknowledgements.map(({ request_id }) => request_id);
}

function settled(id: string): Promise<RequestDetail> {
  return eventually(async () => {
    const request = await getJson<RequestDetail>(`${daybook.url}/api/requests/${id}`);
    return (request.callback_status === 'SUCCESS' || request.callback_status === 'FAILED') && request;
  });
}

/** The time between attempts in milliseconds. */
function gaps(trace: { attempted_at: string }[]): number[] {
  const times = trace.map(({ attempted_at }) => Date.parse(attempted_at));
  return times.slice(1).map((time, index) => time - times[index]!);
}

describe('a callback', () => {
  it('contains the result, as the contract specifies', async () => {
    const receiver = await startReceiver();
    const [id] = await ask(receiver, 1, { num_transactions: 7, report_name: 'Told' });
    const { delivery_trace, callback_attempts, completed_at } = await settled(id!);
    const [{ headers, json, method }] = receiver.received as [(typeof receiver.received)[0]];
    expect(method).toBe('POST');
    expect(json).toMatchObject({
      type: 'report.completed',
      timestamp: completed_at,
      request_id: id,
      status: 'completed',
      queue_position: 1,
      report_name: 'Told',
      row_count: 7,
    });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-request-id': id,
      'x-attempt-number': '1',
      'webhook-id': expect.stringMatching(/^msg_/),
      'webhook-timestamp': expect.stringMatching(/^\d+$/),
    });
    expect(callback_attempts).toBe(1);
    expect(delivery_trace).toMatchObject([{ attempt_number: 1, status_code: 200, success: true, error_message: null }]);
  });

  it('leaves a trace with the request, the answer and the time of each stage', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 201, headers: { 'x-receiver': 'yes' }, body: `thanks\0${'.'.repeat(5_000)}` });
    const [id] = await ask(receiver);
    const { delivery_trace } = await settled(id!);
    const [{ headers, raw }] = receiver.received as [(typeof receiver.received)[0]];
    expect(headers['webhook-signature']).toMatch(/^v1,.{40,}$/);
    expect(delivery_trace).toEqual([
      {
        attempt_number: 1,
        trigger: 'first',
        outcome: 'succeeded',
        success: true,
        url: receiver.url,
        dialled_address: '127.0.0.1',
        request_headers: expect.anything(),
        body_bytes: raw.length,
        body_sha256: createHash('sha256').update(raw).digest('hex'),
        status_code: 201,
        response_headers: expect.objectContaining({ 'x-receiver': 'yes' }),
        response_body: `thanks\uFFFD${'.'.repeat(4_096 - 'thanks\0'.length)}`,
        error_kind: null,
        error_message: null,
        timings: {
          dns_ms: null,
          connect_ms: expect.any(Number),
          tls_ms: null,
          first_byte_ms: expect.any(Number),
          total_ms: expect.any(Number),
        },
        response_time_ms: expect.any(Number),
        attempted_at: expect.any(String),
        next_attempt_at: null,
      },
    ]);
    const shown = Object.entries(delivery_trace[0]!.request_headers!).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]);
    expect(Object.fromEntries(shown)).toEqual({ ...headers, 'webhook-signature': 'v1,…' });
  });

  it('has an unknown outcome if its attempt was started but not recorded', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 400 });
    const [id] = await ask(receiver);
    await settled(id!);
    const begun = 'INSERT INTO callback_logs (request_id, attempt_number, url, attempted_at) VALUES ($1, 2, $2, now())';
    await sql(daybook, begun, [id, receiver.url]);
    const unknown = {
      attempt_number: 2,
      success: false,
      status_code: null,
      response_time_ms: null,
      error_message: expect.stringContaining('not recorded'),
    };
    const { delivery_trace } = await getJson(`${daybook.url}/api/requests/${id}`);
    expect(delivery_trace).toMatchObject([
      { outcome: 'failed' },
      { ...unknown, outcome: 'unknown', timings: { total_ms: null } },
    ]);
    const { logs } = await getJson(`${daybook.url}/api/requests/${id}/callback-logs`);
    expect(logs[1]).toEqual({ ...unknown, attempted_at: expect.any(String) });
  });

  it('is retried after 5xx with growing delays, the same id and the same bytes, until it is accepted', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 500 }, { status: 503 }, { status: 200 });
    const [id] = await ask(receiver);
    const { delivery_trace, callback_status } = await settled(id!);
    expect(callback_status).toBe('SUCCESS');
    expect(delivery_trace.map(({ status_code }) => status_code)).toEqual([500, 503, 200]);
    const [first, second] = gaps(delivery_trace);
    expect(first).toBeGreaterThanOrEqual(149);
    expect(second).toBeGreaterThanOrEqual(299);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(receiver.received.map(({ raw }) => raw.toString())).size).toBe(1);
    expect(receiver.received.map(({ headers }) => headers['x-attempt-number'])).toEqual(['1', '2', '3']);
  });

  const failures: [string, Answer, string][] = [
    ['a dropped connection', 'drop', 'reset'],
    ['a timeout', 'silence', 'timeout'],
  ];
  it.each(failures)('is attempted four times after %s', async (_, answer, kind) => {
    const receiver = await startReceiver();
    receiver.answer(answer);
    const [id] = await ask(receiver);
    const { delivery_trace, callback_status } = await settled(id!);
    expect(callback_status).toBe('FAILED');
    expect(delivery_trace.map(({ error_kind }) => error_kind)).toEqual([kind, kind, kind, kind]);
    const logs = await getJson(`${daybook.url}/api/requests/${id}/callback-logs`);
    expect(logs).toMatchObject({ request_id: id, total_attempts: 4 });
    expect(logs.logs[0]).toMatchObject({ attempt_number: 1, status_code: null, success: false });
  });

  it.each([301, 307, 400, 404, 410, 429])('is final after a %i, and a redirect is not followed', async (status) => {
    const [receiver, elsewhere] = await Promise.all([startReceiver(), startReceiver()]);
    receiver.answer({ status, headers: { location: elsewhere.url } });
    const [id] = await ask(receiver);
    const { delivery_trace, callback_status } = await settled(id!);
    expect(callback_status).toBe('FAILED');
    expect(delivery_trace).toMatchObject([{ status_code: status, success: false }]);
    expect(elsewhere.received).toEqual([]);
  });

  it('is sent for a sync request too', async () => {
    const receiver = await startReceiver();
    const response = await fetch(`${daybook.url}/api/sync`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input_data: 'x', iterations: 1, callback_url: receiver.url }),
    });
    const { request_id } = (await response.json()) as { request_id: string };
    await eventually(() => receiver.received.length === 1);
    expect(receiver.received[0]!.json).toMatchObject({ request_id, queue_position: null, iterations: 1 });
  });
});

describe('order', () => {
  it('of first attempts follows the queue, and a retry does not block it', async () => {
    const receiver = await startReceiver();
    receiver.answerWith(({ json, headers }) => {
      const isThird = json.queue_position % 3 === 0;
      return isThird && headers['x-attempt-number'] === '1' ? { status: 500 } : {};
    });
    const ids = await ask(receiver, 60);
    for (const id of ids) expect((await settled(id)).callback_status).toBe('SUCCESS');
    const firsts = receiver.received.filter(({ headers }) => headers['x-attempt-number'] === '1');
    expect(firsts.map(({ json }) => json.queue_position)).toEqual(ids.map((_, index) => index + 1));
    expect(receiver.received).toHaveLength(80);
  });

  it('is kept with a slow receiver: an attempt starts after the previous one has ended', async () => {
    const receiver = await startReceiver();
    let underWay = 0;
    let mostUnderWay = 0;
    receiver.answerWith(() => {
      underWay++;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      setTimeout(() => underWay--, 29);
      return { delayMs: 30 };
    });
    const ids = await ask(receiver, 20);
    await eventually(() => receiver.received.length === ids.length);
    expect(mostUnderWay).toBe(1);
  });

  it('is kept without delay while another destination is down', async () => {
    const [dead, alive] = await Promise.all([startReceiver(), startReceiver()]);
    dead.answer('silence');
    await ask(dead, 30);
    const ids = await ask(alive, 100);
    await eventually(() => alive.received.length === ids.length, { timeoutMs: 10_000 });
    expect(dead.received.length).toBeLessThan(40);
  });
});

describe('the guard', () => {
  let guarded: Daybook;
  beforeAll(async () => {
    guarded = await startDaybook({ env: { ...UNLIMITED, CALLBACK_ALLOW: '' } });
  });

  it('checks a name before it connects, and records why it did not connect', async () => {
    // A name that can only be checked when it is dialled. Here it does not resolve, or resolves to a blocked address.
    const body = () => ({ num_transactions: 1, callback_url: 'http://private.test/' });
    const [ack] = await submitAsync(guarded.url, 1, body, 1);
    const request = await eventually(async () => {
      const found = await getJson(`${guarded.url}/api/requests/${ack!.request_id}`);
      return found.callback_attempts > 0 && found;
    });
    expect(request.delivery_trace[0]).toMatchObject({ success: false, status_code: null });
  });

  it('allows only the built-in receiver in development', async () => {
    const port = new URL(guarded.url).port;
    const post = (callbackUrl: string): Promise<Response> =>
      fetch(`${guarded.url}/api/async`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ num_transactions: 1, lane: 'own', callback_url: callbackUrl }),
      });
    expect((await post(`http://localhost:${port}/healthz`)).status).toBe(400);
    expect((await post(`http://localhost:${port}/api/callbacks/receive`)).status).toBe(202);
    const history = await eventually(async () => {
      const received = await getJson(`${guarded.url}/api/callbacks/history`);
      return received.total === 1 && received;
    });
    expect(history.callbacks[0].body).toMatchObject({ type: 'report.completed', queue_position: 1 });
  });
});

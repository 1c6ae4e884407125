import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { send } from '../support/client.js';
import { readDereferenced } from '../support/openapi.js';
import { UNLIMITED } from '../support/submit.js';

/** The demo receiver keeps callbacks, shows them and simulates failures. */
let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: UNLIMITED });
});

beforeEach(async () => {
  await call('DELETE', 'history');
  await call('POST', 'simulate-failures', { enabled: false, failure_rate: 100 });
});

async function call(method: string, path: string, value?: unknown, headers: Record<string, string> = {}) {
  const body = value === undefined ? undefined : JSON.stringify(value);
  const { status, json } = await send(daybook, method, `/api/callbacks/${path}`, { body, headers });
  return { status, body: json as Record<string, unknown> };
}

describe('demo receiver', () => {
  it('keeps callbacks in order, with their relevant headers', async () => {
    const headers = { 'webhook-id': 'msg_1', 'x-request-id': 'r1', 'x-attempt-number': '2', 'x-other': 'no' };
    expect(await call('POST', 'receive', { n: 1 }, headers)).toEqual({
      status: 200,
      body: { received: true, received_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/) },
    });
    await call('POST', 'receive', { n: 2 });

    const { body } = await call('GET', 'history');
    expect(body).toEqual({
      total: 2,
      callbacks: [
        {
          headers: { 'webhook-id': 'msg_1', 'x-request-id': 'r1', 'x-attempt-number': '2' },
          body: { n: 1 },
          received_at: expect.any(String),
        },
        { headers: {}, body: { n: 2 }, received_at: expect.any(String) },
      ],
    });
    expect((await call('GET', 'history?limit=1')).body).toMatchObject({ total: 2, callbacks: [{ body: { n: 2 } }] });
  });

  it('logs no error for a simulated failure', async () => {
    await call('POST', 'simulate-failures', { enabled: true, failure_rate: 100 });
    const { status, body } = await call('POST', 'receive', {});
    expect([status, body['detail']]).toEqual([500, 'Simulated failure of the demo receiver']);
    expect(daybook.output()).not.toContain('Simulated failure');
  });

  it('clears its history and returns the count', async () => {
    await call('POST', 'receive', {});
    expect((await call('DELETE', 'history')).body).toEqual({ deleted: true, count: 1 });
    expect((await call('GET', 'history')).body).toEqual({ total: 0, callbacks: [] });
  });

  it.each([[[1, 2]], ['text'], [7]])('accepts JSON objects only, not %j', async (body) => {
    expect((await call('POST', 'receive', body)).status).toBeGreaterThanOrEqual(400);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'limit=1.5'])('refuses history?%s', async (query) => {
    expect((await call('GET', `history?${query}`)).status).toBe(422);
  });
});

describe('simulated failures', () => {
  it('are off by default, and GET does not change them', async () => {
    const off = { enabled: false, failure_rate: 100 };
    expect(await call('GET', 'simulate-failures')).toEqual({ status: 200, body: off });
    expect(await call('POST', 'simulate-failures')).toEqual({ status: 200, body: off });
    await call('GET', 'simulate-failures?enabled=true&failure_rate=30');
    expect(await call('GET', 'simulate-failures')).toEqual({ status: 200, body: off });
  });

  it.each([
    ['POST', 'simulate-failures', { enabled: true, failure_rate: 30 }],
    ['POST', 'simulate-failures?enabled=true&failure_rate=30', undefined],
  ])('are set by %s %s %j', async (method, path, body) => {
    const on = { enabled: true, failure_rate: 30 };
    expect(await call(method, path, body)).toEqual({ status: 200, body: on });
    expect((await call('GET', 'simulate-failures')).body).toEqual(on);
  });

  it('apply to every callback without a rate, and end when disabled', async () => {
    expect((await call('POST', 'simulate-failures', { enabled: true })).body).toEqual({
      enabled: true,
      failure_rate: 100,
    });
    expect((await call('POST', 'receive', {})).status).toBe(500);
    expect((await call('GET', 'history')).body).toMatchObject({ total: 0 });
    await call('POST', 'simulate-failures?enabled=false');
    expect((await call('POST', 'receive', {})).status).toBe(200);
  });

  it.each([
    ['POST', 'simulate-failures', { enabled: 'yes' }],
    ['POST', 'simulate-failures', { enabled: true, failure_rate: 0 }],
    ['POST', 'simulate-failures', { enabled: true, failure_rate: 101 }],
    ['POST', 'simulate-failures', { enabled: true, failure_rate: '50' }],
    ['POST', 'simulate-failures', { failure_rate: 50 }],
    ['POST', 'simulate-failures?enabled=maybe', undefined],
    ['POST', 'simulate-failures?enabled=true&failure_rate=', undefined],
    ['POST', 'simulate-failures?enabled=true&failure_rate=0.5', undefined],
    ['POST', 'simulate-failures?failure_rate=50', undefined],
  ])('refuse %s %s %j', async (method, path, body) => {
    expect((await call(method, path, body)).status).toBe(422);
  });
});

it('is described in the OpenAPI document', async () => {
  const { paths } = await readDereferenced<{
    paths: Record<string, { post: { requestBody?: object; parameters?: object[] } }>;
  }>(daybook);
  expect(paths['/api/callbacks/receive']!.post.requestBody).toMatchObject({
    content: { 'application/json': { schema: { type: 'object', example: { type: 'report.completed' } } } },
  });
  expect(paths['/api/callbacks/simulate-failures']!.post.parameters).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'failure_rate', in: 'query', required: false })]),
  );
  const { requestBody } = paths['/api/callbacks/simulate-failures']!.post;
  expect(requestBody).toMatchObject({
    required: false,
    content: { 'application/json': { schema: { properties: { failure_rate: { maximum: 100 } } } } },
  });
});

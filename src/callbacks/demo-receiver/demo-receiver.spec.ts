import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpStatus, StandardSchemaValidationPipe, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { DemoReceiverController } from './demo-receiver.controller.js';
import { HISTORY_LIMIT } from './demo-receiver.schema.js';
import { DemoReceiverService, RANDOM } from './demo-receiver.service.js';

let app: INestApplication;
let base: string;
let chance = 0;

beforeEach(async () => {
  const module = await Test.createTestingModule({
    controllers: [DemoReceiverController],
    providers: [DemoReceiverService, { provide: RANDOM, useValue: () => chance }],
  }).compile();
  app = module.createNestApplication({ logger: false });
  app.useGlobalPipes(new StandardSchemaValidationPipe({ errorHttpStatusCode: HttpStatus.UNPROCESSABLE_ENTITY }));
  await app.listen(0, '127.0.0.1');
  base = `${await app.getUrl()}/api/callbacks`;
});
afterEach(() => app.close());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${base}/${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
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

  it('clears its history and returns the count', async () => {
    await call('POST', 'receive', {});
    expect((await call('DELETE', 'history')).body).toEqual({ deleted: true, count: 1 });
    expect((await call('GET', 'history')).body).toEqual({ total: 0, callbacks: [] });
  });

  it('keeps the newest callbacks and counts all', () => {
    const receiver = app.get(DemoReceiverService);
    for (let n = 1; n <= HISTORY_LIMIT + 5; n += 1) receiver.receive({}, { n });
    const { total, callbacks } = receiver.history(HISTORY_LIMIT);
    expect(total).toBe(HISTORY_LIMIT + 5);
    expect(callbacks).toHaveLength(HISTORY_LIMIT);
    expect(callbacks[0]!.body).toEqual({ n: 6 });
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
  });

  it.each([
    ['POST', 'simulate-failures', { enabled: true, failure_rate: 30 }],
    ['POST', 'simulate-failures?enabled=true&failure_rate=30', undefined],
    ['GET', 'simulate-failures?enabled=true&failure_rate=30', undefined],
  ])('are set by %s %s %j and apply at their rate', async (method, path, body) => {
    const on = { enabled: true, failure_rate: 30 };
    expect(await call(method, path, body)).toEqual({ status: 200, body: on });
    expect((await call('GET', 'simulate-failures')).body).toEqual(on);

    chance = 0.299;
    expect((await call('POST', 'receive', {})).status).toBe(500);
    chance = 0.3;
    expect((await call('POST', 'receive', {})).status).toBe(200);
    expect((await call('GET', 'history')).body).toMatchObject({ total: 1 });
  });

  it('apply to every callback without a rate, and end when disabled', async () => {
    chance = 0.999;
    expect((await call('POST', 'simulate-failures', { enabled: true })).body).toEqual({
      enabled: true,
      failure_rate: 100,
    });
    expect((await call('POST', 'receive', {})).status).toBe(500);
    await call('GET', 'simulate-failures?enabled=false');
    expect((await call('POST', 'receive', {})).status).toBe(200);
  });

  it.each([
    ['POST', 'simulate-failures', { enabled: 'yes' }],
    ['POST', 'simulate-failures', { enabled: true, failure_rate: 0 }],
    ['POST', 'simulate-failures', { enabled: true, failure_rate: 101 }],
    ['POST', 'simulate-failures', { enabled: true, failure_rate: '50' }],
    ['POST', 'simulate-failures', { failure_rate: 50 }],
    ['GET', 'simulate-failures?enabled=maybe', undefined],
    ['GET', 'simulate-failures?enabled=true&failure_rate=', undefined],
    ['GET', 'simulate-failures?enabled=true&failure_rate=0.5', undefined],
    ['POST', 'simulate-failures?failure_rate=50', undefined],
  ])('refuse %s %s %j', async (method, path, body) => {
    expect((await call(method, path, body)).status).toBe(422);
  });
});

it('is described in the OpenAPI document', () => {
  const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  expect(paths['/api/callbacks/receive']!.post!.requestBody).toMatchObject({
    content: { 'application/json': { schema: { type: 'object', example: { type: 'report.completed' } } } },
  });
  expect(paths['/api/callbacks/simulate-failures']!.get!.parameters).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'failure_rate', in: 'query', required: false })]),
  );
  const { requestBody } = paths['/api/callbacks/simulate-failures']!.post!;
  expect(requestBody).toMatchObject({
    required: false,
    content: { 'application/json': { schema: { properties: { failure_rate: { maximum: 100 } } } } },
  });
});

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { assignRequestId, requestId } from './request-id.js';

let server: Server;
let url: string;

beforeAll(async () => {
  const app = express();
  app.get('/without', (_, response) => void response.send(requestId(response)));
  app.use(assignRequestId);
  app.get('/', (_, response) => void response.send(requestId(response)));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
});

/** The id in the response's header, which is also what the handler saw. */
async function idFor(given?: string): Promise<string> {
  const response = await fetch(url, given === undefined ? {} : { headers: { 'x-request-id': given } });
  const id = response.headers.get('x-request-id')!;
  expect(await response.text()).toBe(id);
  return id;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('assignRequestId', () => {
  it('assigns a different id to every request', async () => {
    const [first, second] = [await idFor(), await idFor()];
    expect(first).toMatch(UUID);
    expect(second).toMatch(UUID);
    expect(first).not.toBe(second);
  });

  it.each(['42', 'a.b:c_d-E', 'x'.repeat(128)])('keeps the id of the caller: %s', async (id) => {
    expect(await idFor(id)).toBe(id);
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a,b', '"a"', '<script>', 'a%0Ab', 'é'])(
    'replaces an id that is not safe to log: %j',
    async (id) => {
      expect(await idFor(id)).toMatch(UUID);
    },
  );
});

it('is empty before the middleware has run', async () => {
  expect(await (await fetch(`${url}/without`)).text()).toBe('');
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import express, { type Request, type Response } from 'express';
import { inStep } from './in-step.js';

/** A request whose handler takes two steps, which are told. */
function handle(middleware: ReturnType<typeof inStep>, step: (n: number) => void): void {
  const handler = async (): Promise<void> => {
    step(1);
    await Promise.resolve();
    step(2);
  };
  middleware({} as Request, {} as Response, () => void handler());
}

describe('requests of one turn of the event loop', () => {
  it('take each step together, in their order, at its end', async () => {
    const middleware = inStep();
    const steps: string[] = [];
    for (const name of ['a', 'b', 'c']) handle(middleware, (n) => steps.push(`${name}${n}`));
    expect(steps).toEqual([]);
    await nextTurn();
    expect(steps).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
    handle(middleware, (n) => steps.push(`d${n}`));
    await nextTurn();
    expect(steps.slice(6)).toEqual(['d1', 'd2']);
  });

  it('stay in their own async contexts', async () => {
    const middleware = inStep();
    const storage = new AsyncLocalStorage<string>();
    const found: unknown[] = [];
    for (const name of ['a', 'b']) storage.run(name, () => handle(middleware, () => found.push(storage.getStore())));
    await nextTurn();
    expect(found).toEqual(['a', 'b', 'a', 'b']);
  });

  it('are answered though a handler throws at one of them', async () => {
    const app = express().set('env', 'test').use(inStep());
    app.get('/throws', () => {
      throw new Error('thrown');
    });
    app.get('/answers', (_request, response) => void response.status(204).end());
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('latin1');
    // In one packet, so they are read in one turn.
    const get = (path: string, connection: string): string =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`;
    socket.write(get('/throws', 'keep-alive') + get('/answers', 'close'));
    const answers = (await socket.toArray()).join('');
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 500', 'HTTP/1.1 204']);
    server.close();
    await once(server, 'close');
  });
});

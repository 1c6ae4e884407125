import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpService } from '@nestjs/axios';
import { afterEach, expect } from '@jest/globals';
import { CallbackAttemptError, type CallbackResponse } from '../../src/callbacks/transport/attempt-trace.js';
import {
  CallbackClient,
  type CallbackClientOptions,
  OutgoingMessage,
} from '../../src/callbacks/transport/callback-client.js';
import { postCallback } from '../../src/callbacks/transport/send-callback.js';
import { UrlGuard } from '../../src/callbacks/url-guard/url-guard.js';

const LOCAL = ['127.0.0.1/32'];
export const BODY = Buffer.from('{"name": "Zoë",\n "n":1}');

/** Run after each test, in reverse order. */
export const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server on 127.0.0.1 that is closed after the test. `sockets` are all connections that it accepted. */
export async function listen(server: Server): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

export const http = (listener: RequestListener) => listen(createHttp(listener));
/** A TCP server that calls `act` on the first bytes of each connection. */
export const tcp = (act: (socket: Socket) => void) =>
  listen(createTcp((socket) => socket.once('data', () => act(socket)).on('error', () => {})));

/** A self-signed certificate for a name. */
export function certificate(name: string): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-tls-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const files = ['-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' });
  const [key, cert] = [keyFile, certFile].map((file) => readFileSync(file, 'utf8'));
  rmSync(folder, { recursive: true });
  return { key: key!, cert: cert! };
}

type Options = Partial<Omit<CallbackClientOptions, 'guard'>> & {
  allow?: string[];
  /** The lookup of the guard before an attempt. */
  lookUp?: () => Promise<void>;
};

export function client({ allow = LOCAL, timeoutMs = 5_000, lookUp, ...options }: Options = {}) {
  const none = { isReceiver: () => false, isReceiverOrigin: () => false };
  const guard = new UrlGuard({ allow, openedReceivers: lookUp && { lookUp, ...none } });
  const callbackClient = new CallbackClient({ guard, timeoutMs, ...options });
  cleanups.push(() => callbackClient.close());
  const service = new HttpService(callbackClient.createAxios());
  return {
    service,
    close: () => callbackClient.close(),
    post: (url: string, headers = {}): Promise<CallbackResponse> =>
      postCallback(service, url, new OutgoingMessage(BODY, headers, null)),
  };
}

/** @returns The error of an attempt, which must be a CallbackAttemptError with a message of one line. */
export async function failure(attempt: Promise<CallbackResponse>): Promise<CallbackAttemptError> {
  const outcome = await attempt.catch((error: unknown) => error);
  if (!(outcome instanceof CallbackAttemptError)) throw outcome;
  expect(outcome.message).toMatch(/^[^\n]{10,300}$/);
  return outcome;
}

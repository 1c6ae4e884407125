import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request, as it arrived. */
export interface Receipt {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The body as bytes. */
  raw: Buffer;
  /** The body as JSON; undefined if it is not JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests assert its shape
  json: any;
  receivedAt: Date;
}

/** The response to a request, by default 200. `drop` closes the connection; `silence` never responds. */
export type Answer =
  { status?: number; delayMs?: number; headers?: Record<string, string>; body?: string | Buffer } | 'drop' | 'silence';

export interface Receiver {
  /** Its URL, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** All requests so far, in order of arrival. */
  readonly received: Receipt[];
  /** Sets the responses to the next requests. The last one applies to all that follow. */
  answer(...answers: Answer[]): void;
  /** Computes the response to each request. `index` starts at 0. */
  answerWith(decide: (receipt: Receipt, index: number) => Answer): void;
  close(): Promise<void>;
}

const open = new Set<Receiver>();

/** Starts a receiver of callbacks on loopback. It closes after the test file at the latest. */
export async function startReceiver(): Promise<Receiver> {
  const received: Receipt[] = [];
  let decide: (receipt: Receipt, index: number) => Answer = () => ({});
  const server = createServer((request, response) => {
    void receipt(request).then(
      (taken) => respond(response, decide(taken, received.push(taken) - 1)),
      () => response.destroy(), // The sender aborted before it sent the whole body.
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    answer: (...answers) => {
      const first = received.length;
      decide = (_, index) => answers[Math.min(index - first, answers.length - 1)]!;
    },
    answerWith: (how) => {
      decide = how;
    },
    close: async () => {
      if (!open.delete(receiver)) return;
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  open.add(receiver);
  return receiver;
}

afterAll(() => Promise.all([...open].map((receiver) => receiver.close())));

async function receipt(request: IncomingMessage): Promise<Receipt> {
  const receivedAt = new Date();
  const raw = Buffer.concat(await request.toArray());
  return {
    method: request.method!,
    path: request.url!,
    headers: request.headers,
    raw,
    json: parsed(raw.toString()),
    receivedAt,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function respond(response: ServerResponse, answer: Answer): Promise<void> {
  if (answer === 'silence') return;
  if (answer === 'drop') return void response.destroy();
  if (answer.delayMs) await sleep(answer.delayMs, undefined, { ref: false });
  response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '');
}

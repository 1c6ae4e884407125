import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arrival } from './history.js';
import { Random } from './random.js';

/** Longer than `CALLBACK_TIMEOUT`. */
const STALL_MS = 5_000;

/** How the receiver handles an attempt: responds after a delay, never responds, or closes the connection. */
type Conduct = { status: number; afterMs: number } | 'stall' | 'drop';

/** A receiver of callbacks that fails often and logs every arrival. */
export class Receiver {
  private readonly random: Random;
  private readonly server: Server = createServer((request, response) => void this.take(request, response));

  /** @param arrivals The log. Several receivers may share one. */
  constructor(
    seed: number,
    private readonly arrivals: Arrival[],
  ) {
    this.random = new Random(seed);
  }

  /** Starts the receiver. Returns its URL, without a trailing slash. */
  async listen(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrivedAtMs = performance.now();
    const body = await textOf(request);
    if (body === null) return; // The sender was killed while it sent the body.
    const requestId = String(request.headers['x-request-id']);
    let answeredAtMs: number | null = null;
    const closed = once(response, 'close').then(() => {
      this.arrivals.push({
        url: `http://${request.headers.host}${request.url}`,
        requestId,
        webhookId: String(request.headers['webhook-id']),
        attempt: Number(request.headers['x-attempt-number']),
        body,
        arrivedAtMs,
        endedAtMs: answeredAtMs ?? performance.now(),
        answered: response.writableFinished ? response.statusCode : null,
      });
    });
    const conduct = this.conduct(requestId);
    if (conduct === 'stall') await Promise.race([closed, sleep(STALL_MS, undefined, { ref: false })]);
    if (typeof conduct === 'string') return void response.destroy();
    if (conduct.afterMs > 0) await sleep(conduct.afterMs);
    // Before the response, because the sender may send the next attempt before `end()` returns.
    answeredAtMs = performance.now();
    response.writeHead(conduct.status).end();
  }

  private conduct(requestId: string): Conduct {
    // One request in 64 always gets 500, so its delivery ends dead.
    if (Number.parseInt(requestId.slice(-2), 16) % 64 === 0) return { status: 500, afterMs: 0 };
    const dice = this.random.between(1, 100);
    if (dice <= 2) return 'stall';
    if (dice <= 5) return 'drop';
    if (dice <= 6) return { status: 404, afterMs: 0 };
    if (dice <= 12) return { status: 503, afterMs: 0 };
    if (dice <= 25) return { status: 200, afterMs: this.random.between(10, 300) };
    return { status: 200, afterMs: 0 };
  }
}

/** Reads the body. Returns null when the connection ends before it. */
async function textOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  } catch {
    return null;
  }
}

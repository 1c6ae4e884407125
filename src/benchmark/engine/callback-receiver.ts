import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReceiverPlan } from './load-plan.js';
import type { Arrival } from './order-checker.js';

/** A callback and the number of its request in the stage. */
export interface IndexedArrival extends Arrival {
  index: number;
}

/** Larger than any callback of a run. */
const MAX_BODY_BYTES = 64 * 1024;

/** Receives the callbacks of one run on its own port. Requests without the run's token in their path get 404. */
export class CallbackReceiver {
  private arrivals: IndexedArrival[] = [];
  private onArrival: () => void = () => undefined;

  private constructor(
    private readonly server: Server,
    private readonly prefix: string,
    /** scheme://host:port at which the service reaches the receiver. */
    readonly origin: string,
  ) {}

  static async open({ listenHost, port, publicHost, token }: ReceiverPlan): Promise<CallbackReceiver> {
    const server = createServer();
    server.listen(port, listenHost);
    await once(server, 'listening');
    const { port: taken } = server.address() as AddressInfo;
    const host = publicHost.includes(':') ? `[${publicHost}]` : publicHost;
    const receiver = new CallbackReceiver(server, `/${token}/`, `http://${host}:${taken}`);
    server.on('request', (request, response) => void receiver.take(request, response));
    return receiver;
  }

  urlOf(index: number): string {
    return `${this.origin}${this.prefix}${index}`;
  }

  /** Starts a new list of arrivals. @param onArrival Called after each new callback. @returns The list, which grows. */
  begin(onArrival: () => void): IndexedArrival[] {
    this.arrivals = [];
    this.onArrival = onArrival;
    return this.arrivals;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const atMs = performance.now();
    const { arrivals } = this;
    const path = request.url ?? '';
    const isOurs = request.method === 'POST' && path.startsWith(this.prefix);
    const body = isOurs ? await readJson(request).catch(() => null) : null;
    if (!body) return void response.writeHead(404).end();
    const index = Number(path.slice(this.prefix.length));
    arrivals.push({ index, requestId: String(body.request_id), queuePosition: Number(body.queue_position), atMs });
    response.writeHead(204).end();
    if (arrivals === this.arrivals) this.onArrival();
  }
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}

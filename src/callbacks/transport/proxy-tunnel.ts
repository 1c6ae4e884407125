import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, isIPv6, type Socket } from 'node:net';
import { NoAnswer } from './attempt-trace.js';

/** The proxy refused a tunnel; it may allow one to another address. */
export class TunnelRefused extends NoAnswer {
  constructor(status: number) {
    super('connect', `The proxy opened no tunnel to the receiver; it answered ${status}`);
  }
}

export interface TunnelOptions {
  /** `http://` or `https://`, with user name and password if the proxy requires basic authentication. */
  proxy: URL;
  /** Longest time until the tunnel is established. */
  timeoutMs: number;
  /** PEM certificates of the authorities to trust instead of Node's. */
  ca?: string;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/**
 * Opens a tunnel through a CONNECT proxy (RFC 9110 section 9.3.6) to an address. The proxy gets no name to resolve, so it
 * connects to the checked address.
 * @throws TunnelRefused if the proxy answers with an error, another NoAnswer if it does not answer
 */
export function openTunnel(address: string, port: number, { proxy, timeoutMs, ca }: TunnelOptions): Promise<Socket> {
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const target = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const request = (proxy.protocol === 'https:' ? requestHttps : requestHttp)({
    method: 'CONNECT',
    host,
    port: proxy.port,
    path: target,
    headers: { host: target, ...authorization(proxy) },
    agent: false,
    // Otherwise Node would use the Host header, which names the target of the tunnel.
    servername: isIP(host) ? '' : host,
    ca,
  });
  const late = (): void =>
    void request.destroy(new NoAnswer('timeout', 'The proxy did not open a tunnel before the timeout'));
  const deadline = setTimeout(late, timeoutMs);
  return new Promise<Socket>((resolve, reject) => {
    request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        return reject(new TunnelRefused(statusCode));
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket.setNoDelay(true));
    });
    request.once('error', (error: NodeJS.ErrnoException) => {
      const why = `No connection to the proxy (${error.code ?? error.name})`;
      reject(error instanceof NoAnswer ? error : new NoAnswer('connect', why, { cause: error }));
    });
    request.end();
  }).finally(() => clearTimeout(deadline));
}

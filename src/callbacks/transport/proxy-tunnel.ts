import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, isIPv6, type Socket } from 'node:net';
import { NoAnswer } from './attempt-trace.js';

/** The proxy answered, but opened no tunnel: another address may fare better. */
export class TunnelRefused extends NoAnswer {
  constructor(status: number) {
    super('connect', `The proxy opened no tunnel to the receiver; it answered ${status}`);
  }
}

export interface TunnelOptions {
  /** `http://` or `https://`, with the user name and password of basic authentication if it wants one. */
  proxy: URL;
  /** Longest time until the tunnel stands. */
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
 * Opens a tunnel through a CONNECT proxy (RFC 9110 section 9.3.6) to an address. The proxy is given no name to resolve:
 * what it reaches is what was checked.
 * @throws NoAnswer, which is TunnelRefused if the proxy said no.
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
    // Otherwise Node would take it from the Host header, which names the tunnel's end.
    servername: isIP(host) ? '' : host,
    ca,
  });
  const late = (): void => void request.destroy(new NoAnswer('timeout', 'The proxy opened no tunnel in time'));
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

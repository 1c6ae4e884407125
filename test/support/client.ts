import { expect } from '@jest/globals';
import type { Daybook } from './daybook.js';

/** A response whose body was read completely. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; undefined if it is not JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests assert its shape
  json: any;
}

export interface Sending {
  /** An object is sent as JSON; a string or buffer is sent unchanged. */
  body?: object | string | Buffer;
  headers?: Record<string, string>;
}

type Target = Pick<Daybook, 'url'>;

/** Sends a request. A body has the content type `application/json` unless the headers name another. */
export async function send(
  { url }: Target,
  method: string,
  path: string,
  { body, headers }: Sending = {},
): Promise<Reply> {
  const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const response = await fetch(url + path, {
    method,
    body: isRaw ? body : JSON.stringify(body),
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    redirect: 'manual',
  });
  const text = path.startsWith('/api/live') && response.ok ? await firstEvent(response) : await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

/** Reads the first event of a stream that has no end, and closes the connection. HEAD has none. */
async function firstEvent({ body }: Response): Promise<string> {
  let text = '';
  for await (const bytes of body ?? []) {
    text += Buffer.from(bytes as Uint8Array).toString();
    if (text.includes('\n\n')) break;
  }
  return text;
}

export function get(daybook: Target, path: string, headers?: Record<string, string>): Promise<Reply> {
  return send(daybook, 'GET', path, { headers });
}

export function post(
  daybook: Target,
  path: string,
  body: Sending['body'],
  headers?: Record<string, string>,
): Promise<Reply> {
  return send(daybook, 'POST', path, { body, headers });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Internals that no response may contain: stack frames, paths of the installation, SQL. */
const INSIDES = /\bat .+:\d+:\d+|node_modules|\/dist\/|\.[jt]s:\d+|\bSELECT\b|\bINSERT\b/;

/** Expects problem details with all members of the contract (RFC 9457), a request id, and no internals. */
export function expectProblem({ status, headers, text, json }: Reply, wanted: number, instance?: string): void {
  expect({ status, text }).toEqual({ status: wanted, text: expect.any(String) });
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect(headers.get('x-request-id')).toMatch(/^[\w.:-]{1,128}$/);
  expect(json).toMatchObject({
    type: expect.stringMatching(/^(about:blank$|urn:|https:)/),
    title: expect.stringMatching(/./),
    status: wanted,
    detail: expect.stringMatching(/./),
    instance: instance ?? expect.stringMatching(/^\//),
  });
  expect(text).not.toMatch(INSIDES);
}

import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEM_MEDIA_TYPE, plainProblem } from '../problem/problem.js';

/** A problem for a connection without an Express request. */
export function rawProblem(status: number, detail: string): { headers: Record<string, string | number>; body: string } {
  const body = JSON.stringify(plainProblem(status, detail, '/'));
  const headers = { 'Content-Type': PROBLEM_MEDIA_TYPE, 'Content-Length': Buffer.byteLength(body) };
  return { headers: { ...headers, 'X-Request-Id': randomUUID() }, body };
}

/** Writes a whole response with a problem and ends the connection. */
export function endWithProblem(
  socket: Duplex,
  status: number,
  detail: string,
  more: Record<string, string> = {},
): void {
  const { headers, body } = rawProblem(status, detail);
  const lines = Object.entries({ ...headers, ...more, Connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
}

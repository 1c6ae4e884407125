import { type Socket, connect } from 'node:net';
import type { Daybook } from './daybook.js';

/** A TCP connection to a service, for tests that write raw bytes. */
export interface RawConnection {
  socket: Socket;
  /** Returns all bytes received so far as text. */
  text: () => string;
  /** Resolves when the text matches. Rejects if the connection closes first. */
  received: (pattern: RegExp) => Promise<string>;
  /** Resolves with the text when the connection is closed or reset. */
  readonly closed: Promise<string>;
}

/** Opens a connection to a service. */
export function openRaw({ url }: Pick<Daybook, 'url'>): RawConnection {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => (text += part));
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(text));
  });
  const received = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(text)) resolve(text);
      };
      socket.on('data', look).once('close', () => reject(new Error(`Closed after ${JSON.stringify(text)}`)));
      look();
    });
  return { socket, text: () => text, received, closed };
}

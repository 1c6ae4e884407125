import { createTransport } from 'nodemailer';
import type { OutgoingMail } from '../templates/templates.js';

/** A message whose kept connection was closed by the server is sent once more, over a new connection. */
const MAX_REQUEUES = 1;
/** Time after which an unused connection is closed. */
const IDLE_MS = 30_000;

/** Connections to the mail server, which are kept for the next messages (nodemailer's pool). */
export class SmtpPool {
  private readonly transport;

  /**
   * @param timeoutMs Of one message, from connecting to the reply of the server.
   * @param maxConnections Opened as they are needed.
   */
  constructor(
    url: string,
    private readonly timeoutMs: number,
    maxConnections: number,
  ) {
    // The signal does not end every step, for example not the wait for a greeting, so each step has a timeout too.
    const steps = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };
    const pool = { maxConnections, maxRequeues: MAX_REQUEUES, idleTimeout: IDLE_MS };
    this.transport = createTransport({ url, pool: true, ...pool, ...steps, dnsTimeout: timeoutMs });
    // An idle connection that breaks is opened again by the next message.
    this.transport.on('error', () => undefined);
  }

  /**
   * Sends a message.
   * @returns The reply of the server.
   * @throws The error of nodemailer, or a TimeoutError. The connection of a message that timed out is closed.
   */
  async send({ from, to, ...message }: OutgoingMail): Promise<string> {
    const timeout = new AbortController();
    const late = new DOMException(`The server did not take the message within ${this.timeoutMs} ms`, 'TimeoutError');
    const timer = setTimeout(() => timeout.abort(late), this.timeoutMs);
    try {
      const { response } = await this.transport.sendMail({
        ...message,
        from,
        // An object is one address: text would be parsed, and could name several.
        to: { name: '', address: to },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: timeout.signal,
      });
      return response;
    } catch (error) {
      // nodemailer says only that the message was aborted.
      throw timeout.signal.aborted ? late : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Connects, logs in and disconnects. Rejects if the server cannot take messages now. */
  async verify(): Promise<void> {
    await this.transport.verify();
  }

  /** Closes all connections; messages in progress fail. */
  close(): void {
    this.transport.close({ force: true });
  }
}

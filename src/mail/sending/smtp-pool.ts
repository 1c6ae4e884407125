import type { OutgoingMail } from '../templates/templates.js';

/** A message whose kept connection was closed by the server is sent once more, over a new connection. */
const MAX_REQUEUES = 1;
/** Time after which an unused connection is closed. */
const IDLE_MS = 30_000;

/** Connections to the mail server, which are kept for the next messages (nodemailer's pool). */
export class SmtpPool {
  private readonly transport: ReturnType<typeof openTransport>;

  /**
   * @param timeoutMs Of one message, from connecting to the reply of the server.
   * @param maxConnections Opened as they are needed.
   */
  constructor(
    url: string,
    private readonly timeoutMs: number,
    maxConnections: number,
  ) {
    this.transport = openTransport(url, timeoutMs, maxConnections);
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
      const transport = await this.transport;
      const { response } = await transport.sendMail({
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
    const transport = await this.transport;
    await transport.verify();
  }

  /** Closes all connections; messages in progress fail. */
  close(): void {
    void this.transport.then((transport) => transport.close({ force: true }));
  }
}

/** Loads nodemailer, for which an installation without a mail server has no use. */
async function openTransport(url: string, timeoutMs: number, maxConnections: number) {
  const { createTransport } = await import('nodemailer');
  // The signal does not end every step, for example not the wait for a greeting, so each step has a timeout too.
  const steps = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };
  const pool = { maxConnections, maxRequeues: MAX_REQUEUES, idleTimeout: IDLE_MS };
  const transport = createTransport({ url, pool: true, ...pool, ...steps, dnsTimeout: timeoutMs });
  // An idle connection that breaks is opened again by the next message.
  transport.on('error', () => undefined);
  return transport;
}

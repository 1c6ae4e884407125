import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';

/** A message that the server accepted. */
export interface Received {
  to: string;
  messageId: string;
  raw: string;
}

export interface SmtpFixture {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** All recipients of RCPT in order, including refused ones. */
  readonly tried: string[];
  /** The number of connections that were opened. */
  connections(): number;
  /** The distinct addresses of the accepted messages. */
  addresses(): string[];
  /** Delay of each greeting. */
  greetAfterMs: number;
  /** 220 by default; another one refuses the connection. */
  greetingCode: number;
  /** The behaviour for a recipient, by the part before the @. Other recipients are accepted. */
  behaviour: Map<string, Behaviour>;
  close(): Promise<void>;
}

/**
 * A reply code to the recipient or to the whole message, no reply to either, or a closed connection: during the message
 * (`drop`), or after the server has accepted it (`drop-reply`).
 */
export type Behaviour = number | { message: number } | 'stall' | 'stall-message' | 'drop' | 'drop-reply';

const refusal = (responseCode: number): Error => Object.assign(new Error('Refused by the test'), { responseCode });

const servers: SMTPServer[] = [];

afterAll(async () => {
  for (const server of servers) await closed(server);
});

/** Starts a real mail server on the loopback interface. @param port Default a free one. */
export async function startSmtp(port = 0): Promise<SmtpFixture> {
  const received: Received[] = [];
  const tried: string[] = [];
  const behaviour = new Map<string, Behaviour>();
  let connections = 0;
  const of = (address: string): Behaviour | undefined => behaviour.get(address.split('@')[0]!);
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    closeTimeout: 100,
    logger: false,
    onConnect: (_session, done) => {
      connections++;
      const { greetAfterMs, greetingCode } = fixture;
      const greet = (): void => done(greetingCode === 220 ? null : refusal(greetingCode));
      void sleep(greetAfterMs, undefined, { ref: false }).then(greet);
    },
    onRcptTo: ({ address }, _session, done) => {
      tried.push(address);
      const behaves = of(address);
      if (typeof behaves === 'number') done(refusal(behaves));
      else if (behaves !== 'stall') done();
    },
    onData: (stream, session, done) => {
      const [{ address: to } = { address: '' }] = session.envelope.rcptTo;
      const behaves = of(to);
      const drop = (): void => {
        for (const one of server.connections) {
          const { session: its, _socket } = one as unknown as { session: object; _socket: Socket };
          if (its === session) _socket.destroy();
        }
      };
      if (behaves === 'drop') return drop();
      let raw = '';
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => (raw += text));
      stream.on('end', () => {
        if (behaves === 'stall-message') return;
        if (typeof behaves === 'object') return done(refusal(behaves.message));
        received.push({ to, raw, messageId: /^Message-ID: *(\S+)/im.exec(raw)?.[1] ?? '' });
        if (behaves === 'drop-reply') drop();
        else done();
      });
    },
  });
  server.on('error', () => undefined);
  servers.push(server);
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address() as AddressInfo;
  const fixture: SmtpFixture = {
    url: `smtp://127.0.0.1:${address.port}`,
    port: address.port,
    received,
    tried,
    behaviour,
    greetAfterMs: 0,
    greetingCode: 220,
    connections: () => connections,
    addresses: () => [...new Set(received.map(({ to }) => to))].sort(),
    close: () => closed(server),
  };
  return fixture;
}

const closing = new Map<SMTPServer, Promise<void>>();

/** Closes the server. Safe to call twice. */
function closed(server: SMTPServer): Promise<void> {
  const ended = closing.get(server) ?? new Promise<void>((resolve) => server.close(() => resolve()));
  closing.set(server, ended);
  return ended;
}

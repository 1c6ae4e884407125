import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';

/** A message that the server has taken. */
export interface Received {
  to: string;
  messageId: string;
  raw: string;
}

export interface SmtpFixture {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** Recipients of RCPT, in order, also of attempts that were refused. */
  readonly tried: string[];
  /** The number of connections that were opened. */
  connections(): number;
  /** The addresses of the messages that were taken, each once. */
  addresses(): string[];
  /** Before each greeting. */
  greetAfterMs: number;
  /** What the server does with a recipient, by the part before the @; undefined accepts. */
  behaviour: Map<string, Behaviour>;
  close(): Promise<void>;
}

/** A reply code, no reply at all, or the end of the connection in the middle of the message. */
export type Behaviour = number | 'stall' | 'drop';

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
      void sleep(fixture.greetAfterMs, undefined, { ref: false }).then(() => done());
    },
    onRcptTo: ({ address }, _session, done) => {
      tried.push(address);
      const behaves = of(address);
      if (typeof behaves === 'number') done(Object.assign(new Error('As the test wants'), { responseCode: behaves }));
      else if (behaves !== 'stall') done();
    },
    onData: (stream, session, done) => {
      const [{ address: to } = { address: '' }] = session.envelope.rcptTo;
      if (of(to) === 'drop') {
        for (const one of server.connections) {
          const { session: its, _socket } = one as unknown as { session: object; _socket: Socket };
          if (its === session) _socket.destroy();
        }
        return;
      }
      let raw = '';
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => (raw += text));
      stream.on('end', () => {
        received.push({ to, raw, messageId: /^Message-ID: *(\S+)/im.exec(raw)?.[1] ?? '' });
        done();
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
    connections: () => connections,
    addresses: () => [...new Set(received.map(({ to }) => to))].sort(),
    close: () => closed(server),
  };
  return fixture;
}

const closing = new Map<SMTPServer, Promise<void>>();

/** May be called twice. */
function closed(server: SMTPServer): Promise<void> {
  const ended = closing.get(server) ?? new Promise<void>((resolve) => server.close(() => resolve()));
  closing.set(server, ended);
  return ended;
}

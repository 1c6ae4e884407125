import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector, Client, Pool, type Dispatcher } from 'undici';
import { type LookupCaller, NameUnavailable, type ResolveName } from '../name-lookup/name-lookup.js';
import { NoAnswer, NotAttempted } from './attempt-trace.js';
import type { CallbackAttempt } from './callback-attempt.js';
import { Dial } from './dial.js';
import type { ConnectionLimiter } from './concurrency-limiter.js';
import { InvalidResponse } from './response-head.js';
import { ResponseReader } from './response-reader.js';
import { openTunnel, type TunnelOptions, TunnelRefused } from './proxy-tunnel.js';
import { isLoopback } from '../url-guard/special-addresses.js';
import { CallbackUrlRefused } from '../url-guard/callback-url-refused.js';
import { portOf } from '../url-guard/callback-url.js';
import type { UrlGuard } from '../url-guard/url-guard.js';

export interface DialOptions {
  guard: UrlGuard;
  timeoutMs: number;
  resolve: ResolveName;
  /** PEM certificates of the authorities to trust instead of Node's. */
  ca?: string;
  /** A CONNECT proxy. Without it receivers are dialled directly; proxy variables of the environment are ignored. */
  proxy?: URL;
}

/** Delay before the next address of a name is tried. RFC 8305 section 5 allows 250 ms to 2 s. */
const NEXT_ADDRESS_AFTER_MS = 500;

/** @throws NoAnswer unless every one of the name's addresses may be dialled. */
async function checkedAddresses(
  hostname: string,
  origin: URL,
  caller: LookupCaller,
  { guard, resolve }: DialOptions,
): Promise<string[]> {
  const addresses = await resolve(hostname, caller).catch((error: NodeJS.ErrnoException) => {
    const options = { cause: error };
    if (error instanceof NameUnavailable) throw new NotAttempted('dns', error.message, error.isNameDown, options);
    throw new NoAnswer('dns', `The name ${hostname} could not be resolved (${error.code ?? 'no answer'})`, options);
  });
  if (addresses.length === 0) throw new NoAnswer('dns', `The name ${hostname} has no address`);
  return unlessBlocked(() => guard.dialled(addresses, origin));
}

/** @throws NoAnswer instead of CallbackUrlRefused. */
function unlessBlocked<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    throw error instanceof CallbackUrlRefused ? new NoAnswer('blocked', error.message, { cause: error }) : error;
  }
}

/** Classifies an error from before the first HTTP byte. After `connect(2)` an https connection can only fail in TLS. */
function beforeHttp(error: NodeJS.ErrnoException, origin: URL): NoAnswer {
  if (error instanceof NoAnswer) return error;
  const code = error.code ?? error.name;
  const failed = (kind: 'connect' | 'tls' | 'timeout', message: string) =>
    new NoAnswer(kind, message, { cause: error });
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return failed('timeout', `No connection to ${origin.host} before the timeout`);
  // The failure of several addresses is one AggregateError, with a code and no system call.
  const inTls = origin.protocol === 'https:' && error.syscall !== 'connect' && !(error instanceof AggregateError);
  // The code suffices; the message would quote the receiver's certificate.
  if (inTls) return failed('tls', `TLS with ${origin.host} failed (${code})`);
  return failed('connect', `No connection to ${origin.host} (${code})`);
}

type Connect = (...args: Parameters<buildConnector.connector>) => Socket;

/** Opens the connections to one destination, to checked addresses only. */
class CheckedConnector {
  private readonly connect: Connect;
  /** The addresses of the connection that is being opened. */
  private checked: string[] = [];

  constructor(
    private readonly origin: URL,
    private readonly options: DialOptions,
  ) {
    this.connect = buildConnector({
      timeout: options.timeoutMs,
      allowH2: false,
      ca: options.ca,
      lookup: this.lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    }) as Connect; // It returns the socket, which its type does not declare.
  }

  /** Opens a connection. @returns The Dial that collects its stages. */
  dial(target: buildConnector.Options, caller: LookupCaller, callback: buildConnector.Callback): Dial {
    const dial = new Dial();
    const connected: buildConnector.Callback = (...[error, socket]) =>
      error ? callback(beforeHttp(error, this.origin), null) : callback(null, socket);
    this.dialChecked(target, caller, dial, connected).catch((error: Error) => connected(error, null));
    return dial;
  }

  private async dialChecked(
    target: buildConnector.Options,
    caller: LookupCaller,
    dial: Dial,
    connected: buildConnector.Callback,
  ): Promise<void> {
    const { origin, options } = this;
    const { proxy } = options;
    const { hostname } = target;
    const isName = isIP(hostname) === 0;
    if (!isName) unlessBlocked(() => options.guard.checkAddress(hostname, origin));
    const addresses = isName ? await checkedAddresses(hostname, origin, caller, options) : [hostname];
    if (caller.signal.aborted) throw new NoAnswer('timeout', 'The attempt ended before the name was resolved');
    dial.resolved(isName);
    // A proxy would connect a loopback address to its own host instead of this one.
    const own = addresses.filter(isLoopback);
    if (!proxy || own.length > 0) {
      this.checked = proxy ? own : addresses;
      dial.follow(this.connect(target, connected));
      return;
    }
    const httpSocket = await firstTunnel(addresses, portOf(origin), dial, { ...options, proxy });
    dial.connectMs = dial.endStage();
    if (origin.protocol === 'https:') dial.followTls(this.connect({ ...target, httpSocket }, connected));
    else connected(null, httpSocket);
  }

  /**
   * The name lookup of a socket, which a socket calls while it is created. It dials exactly the addresses that were checked, so DNS
   * rebinding has no effect.
   */
  private readonly lookup: LookupFunction = (_, { all }, callback) => {
    const found = this.checked.map((address) => ({ address, family: isIP(address) }));
    // Not before the Dial follows the socket.
    if (all) process.nextTick(callback, null, found);
    else process.nextTick(callback, null, found[0]!.address, found[0]!.family);
  };
}

async function firstTunnel(
  addresses: string[],
  port: number,
  dial: Dial,
  options: DialOptions & TunnelOptions,
): Promise<Socket> {
  const giveUpAtMs = performance.now() + options.timeoutMs;
  for (const [index, address] of addresses.entries()) {
    dial.address = address;
    const timeoutMs = Math.max(1, giveUpAtMs - performance.now());
    try {
      return await openTunnel(address, port, { ...options, timeoutMs });
    } catch (error) {
      if (index === addresses.length - 1 || !(error instanceof TunnelRefused)) throw error;
    }
  }
  throw new Error('A name without an address was accepted');
}

/** The connection of a client as it is now. */
interface Latest {
  dial: Dial | null;
  attempt: CallbackAttempt | null;
  socket: Socket | null;
  reader: ResponseReader | null;
}

/** One connection at a time. It keeps the record of how its connection was dialled. */
class CheckedConnection extends Client {
  private readonly latest: Latest;

  constructor(origin: URL, options: Client.Options, connector: CheckedConnector, limiter: ConnectionLimiter) {
    const latest: Latest = { dial: null, attempt: null, socket: null, reader: null };
    super(origin, {
      ...options,
      connect: (target, callback) => {
        limiter.dialling(this);
        // It dials for the attempt that it was given last, its only one.
        latest.dial = connector.dial(target, latest.attempt!, (...[error, socket]) => {
          limiter.dialled(this, error ? null : socket);
          if (error) return callback(error, null);
          latest.socket = socket;
          latest.reader = readStrictly(socket);
          callback(null, socket);
        });
      },
    });
    this.latest = latest;
  }

  get dial(): Dial | null {
    return this.latest.dial;
  }

  get reader(): ResponseReader | null {
    return this.latest.reader;
  }

  /**
   * Frees the connection for the next attempt at the end of the response. undici would wait for another turn of the event loop.
   * It still checks for data or an end from the receiver before it writes.
   */
  release(): void {
    this.pipelining = 2;
    queueMicrotask(() => (this.pipelining = 1));
  }

  /** Gives the attempt the connection that carries it; undici's handlers learn nothing of their socket. */
  override dispatch(options: AttemptOptions, handler: Dispatcher.DispatchHandler): boolean {
    options.attempt.connection = this;
    this.latest.attempt = options.attempt;
    // A new connection is dialled once this one is closed.
    if (options.attempt.isSentAgain) this.latest.socket?.destroy();
    return super.dispatch(options, handler);
  }
}

/** Puts a {@link ResponseReader} before undici, which reads a socket with `read()`. */
function readStrictly(socket: Socket): ResponseReader {
  const reader = new ResponseReader();
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  const readStrict = (size?: number): Buffer | null => {
    for (let bytes = read(size); bytes !== null; bytes = read(size)) {
      const strict = reader.read(bytes);
      // Without an error: one would fail the request that is about to be sent.
      if (strict === null) socket.destroy();
      else if (strict.length > 0) return strict;
    }
    return null;
  };
  socket.read = (size?: number): Buffer | null => {
    try {
      return readStrict(size);
    } catch (error) {
      const why = error instanceof InvalidResponse ? error.message : String(error);
      socket.destroy(new NoAnswer('protocol', `The answer is not valid HTTP/1.1: ${why}`, { cause: error }));
      return null;
    }
  };
  return reader;
}

/** Options of an attempt's dispatch. */
export type AttemptOptions = Dispatcher.DispatchOptions & { attempt: CallbackAttempt };

/**
 * @returns The connections to one destination.
 * @param limiter Limits the connections to all destinations.
 */
export function checkedPool(origin: URL, options: Pool.Options, dial: DialOptions, limiter: ConnectionLimiter): Pool {
  const connector = new CheckedConnector(origin, dial);
  return new Pool(origin, {
    ...options,
    factory: (_, clientOptions) => new CheckedConnection(origin, clientOptions, connector, limiter),
  });
}

import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector, Client, Pool, type Dispatcher } from 'undici';
import { NoAnswer } from './attempt-trace.js';
import type { CallbackAttempt } from './callback-attempt.js';
import { Dial } from './dial.js';
import type { ConnectionLimiter } from './concurrency-limiter.js';
import { openTunnel, type TunnelOptions, TunnelRefused } from './proxy-tunnel.js';
import { isLoopback } from '../url-guard/special-addresses.js';
import { CallbackUrlRefused } from '../url-guard/callback-url-refused.js';
import { portOf } from '../url-guard/callback-url.js';
import type { UrlGuard } from '../url-guard/url-guard.js';

/** Resolves a name to its addresses, in the order in which they are tried. */
export type ResolveName = (hostname: string) => Promise<string[]>;

/** Uses the resolver of the operating system. */
const resolveBySystem: ResolveName = async (hostname) =>
  (await systemLookup(hostname, { all: true })).map(({ address }) => address);

export interface DialOptions {
  guard: UrlGuard;
  timeoutMs: number;
  resolve?: ResolveName;
  /** PEM certificates of the authorities to trust instead of Node's. */
  ca?: string;
  /** A CONNECT proxy. Without it receivers are dialled directly; proxy variables of the environment are ignored. */
  proxy?: URL;
}

/** Delay before the next address of a name is tried. RFC 8305 section 5 allows 250 ms to 2 s. */
const NEXT_ADDRESS_AFTER_MS = 500;

/** @throws NoAnswer unless every one of the name's addresses may be dialled. */
async function checkedAddresses(hostname: string, origin: URL, { guard, resolve }: DialOptions): Promise<string[]> {
  const addresses = await (resolve ?? resolveBySystem)(hostname).catch((error: NodeJS.ErrnoException) => {
    const code = error.code ?? 'no answer';
    throw new NoAnswer('dns', `The name ${hostname} could not be resolved (${code})`, { cause: error });
  });
  if (addresses.length === 0) throw new NoAnswer('dns', `The name ${hostname} has no address`);
  // One blocked address blocks the name: otherwise its owner could find out which addresses are blocked.
  for (const address of addresses) checkAddress(guard, address, origin);
  return addresses;
}

function checkAddress(guard: UrlGuard, address: string, origin: URL): void {
  try {
    guard.checkAddress(address, origin);
  } catch (error) {
    throw error instanceof CallbackUrlRefused ? new NoAnswer('blocked', error.message) : error;
  }
}

/**
 * The name lookup of a socket, called once per connection. The socket dials exactly the addresses that were checked here, so
 * DNS rebinding has no effect.
 */
function guardedLookup(origin: URL, options: DialOptions): LookupFunction {
  return (hostname, { all }, callback) => {
    checkedAddresses(hostname, origin, options).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (all) callback(null, found);
        else callback(null, found[0]!.address, found[0]!.family);
      },
      (error: Error) => callback(error, []),
    );
  };
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

/** Opens a connection. The Dial that it returns at once collects the stages. */
type DialConnector = (...args: Parameters<buildConnector.connector>) => Dial;

type Connect = (...args: Parameters<buildConnector.connector>) => Socket;

/** A connector that connects only to checked addresses. */
function checkedConnector(origin: URL, options: DialOptions): DialConnector {
  const connect = buildConnector({
    timeout: options.timeoutMs,
    allowH2: false,
    ca: options.ca,
    lookup: guardedLookup(origin, options),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
  }) as Connect; // It returns the socket, which its type does not declare.
  return (target, callback) => {
    const dial = new Dial();
    const connected: buildConnector.Callback = (...[error, socket]) =>
      error ? callback(beforeHttp(error, origin), null) : callback(null, socket);
    if (options.proxy) {
      const through = { ...options, proxy: options.proxy };
      void dialThrough(target, origin, dial, through, connect, connected);
      return dial;
    }
    // A socket looks up names only, so an address is checked here.
    if (isIP(target.hostname)) checkAddress(options.guard, target.hostname, origin);
    dial.follow(connect(target, connected));
    return dial;
  };
}

/**
 * Connects through the proxy to the first checked address that it reaches. A loopback address is dialled without the proxy,
 * which would connect to its own host instead of this one.
 */
async function dialThrough(
  target: buildConnector.Options,
  origin: URL,
  dial: Dial,
  options: DialOptions & TunnelOptions,
  connect: Connect,
  connected: buildConnector.Callback,
): Promise<void> {
  try {
    const isName = isIP(target.hostname) === 0;
    if (!isName) checkAddress(options.guard, target.hostname, origin);
    const addresses = isName ? await checkedAddresses(target.hostname, origin, options) : [target.hostname];
    if (isName) dial.dnsMs = dial.endStage();
    const own = addresses.find(isLoopback);
    // SNI is still the name: it comes from `target.host`.
    if (own !== undefined) return dial.follow(connect({ ...target, hostname: own }, connected));
    const httpSocket = await firstTunnel(addresses, portOf(origin), dial, options);
    dial.connectMs = dial.endStage();
    if (origin.protocol === 'https:') dial.followTls(connect({ ...target, httpSocket }, connected));
    else connected(null, httpSocket);
  } catch (error) {
    connected(error as Error, null);
  }
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

/** One connection at a time. It keeps the record of how its connection was dialled. */
class CheckedConnection extends Client {
  private readonly latest: { dial: Dial | null };

  constructor(origin: URL, options: Client.Options, connect: DialConnector, limiter: ConnectionLimiter) {
    const latest: CheckedConnection['latest'] = { dial: null };
    super(origin, {
      ...options,
      connect: (target, callback) => {
        limiter.dialling(this);
        try {
          latest.dial = connect(target, (...[error, socket]) => {
            limiter.dialled(this, error ? null : socket);
            if (error) callback(error, null);
            else callback(null, socket);
          });
        } catch (error) {
          // The guard no longer allows the address.
          limiter.dialled(this, null);
          throw error;
        }
      },
    });
    this.latest = latest;
  }

  get dial(): Dial | null {
    return this.latest.dial;
  }

  /** Gives the attempt the connection that carries it; undici's handlers learn nothing of their socket. */
  override dispatch(options: AttemptOptions, handler: Dispatcher.DispatchHandler): boolean {
    options.attempt.connection = this;
    return super.dispatch(options, handler);
  }
}

/** Options of an attempt's dispatch. */
export type AttemptOptions = Dispatcher.DispatchOptions & { attempt: CallbackAttempt };

/**
 * @returns The connections to one destination.
 * @param limiter Limits the connections to all destinations.
 */
export function checkedPool(origin: URL, options: Pool.Options, dial: DialOptions, limiter: ConnectionLimiter): Pool {
  const connect = checkedConnector(origin, dial);
  return new Pool(origin, {
    ...options,
    factory: (_, clientOptions) => new CheckedConnection(origin, clientOptions, connect, limiter),
  });
}

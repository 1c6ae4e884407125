import axios, {
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
  type RawAxiosResponseHeaders,
} from 'axios';
import { Agent } from 'undici';
import type { AccountId } from '../../platform/tenant.js';
import { NameLookup, type ResolveName } from '../name-lookup/name-lookup.js';
import { CallbackUrlRefused } from '../url-guard/callback-url-refused.js';
import { storedUrl } from '../url-guard/callback-url.js';
import { type CallbackResponse, NoAnswer } from './attempt-trace.js';
import { CallbackAttempt } from './callback-attempt.js';
import { checkedPool, type AttemptOptions, type DialOptions } from './checked-connection.js';
import { ConnectionLimiter, MAX_CONCURRENCY, MAX_CONCURRENCY_PER_TARGET } from './concurrency-limiter.js';
import { MAX_RESPONSE_HEADER_BYTES } from './response-reader.js';

/** How long an idle connection is kept. The receiver's `Keep-Alive` hint may extend it up to the maximum. */
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MAX_MS = 30_000;

export interface CallbackClientOptions extends Omit<DialOptions, 'resolve'> {
  /** Default: as the system does, see {@link NameLookup}. */
  resolve?: ResolveName;
  /** Longest time of one attempt: name, connection, TLS, headers and body together. */
  timeoutMs: number;
  /** Connections to one destination; by default the number that one account may use. Further attempts wait, and their deadline runs. */
  connectionsPerDestination?: number;
}

/** A request of the {@link CallbackClient}. */
export interface TracedRequestConfig extends AxiosRequestConfig<Buffer> {
  /** The account that sends it. */
  account?: AccountId;
  /** Called with the trace of a complete answer. Without one, the CallbackAttemptError carries the trace. */
  onTrace?: (trace: CallbackResponse) => void;
}

/**
 * Sends the requests of an `HttpService` over undici, whose transport is four to ten times as fast as that of axios. Only
 * addresses that the URL guard allows are dialled. undici follows no redirect, decodes no body and reads no proxy variable.
 */
export class CallbackClient {
  private readonly agent: Agent;

  constructor(private readonly options: CallbackClientOptions) {
    const limiter = new ConnectionLimiter(MAX_CONCURRENCY);
    const dial: DialOptions = { ...options, resolve: options.resolve ?? new NameLookup().resolve };
    this.agent = new Agent({
      connections: options.connectionsPerDestination ?? MAX_CONCURRENCY_PER_TARGET,

      // More than the ResponseReader passes on.
      maxHeaderSize: 2 * MAX_RESPONSE_HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
      // The attempt's own deadline covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
      factory: (origin, poolOptions) => checkedPool(new URL(origin), poolOptions, dial, limiter),
    });
  }

  /**
   * Creates the axios of an `HttpService`. Bytes and headers are sent as given, and any HTTP status is an answer. It has none
   * of the library's defaults, which axios would merge into every request: half of what it costs, and nothing of use here.
   */
  createAxios(): AxiosInstance {
    const instance = axios.create();
    const { defaults } = instance;
    for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) delete defaults[name];
    const settings: AxiosRequestConfig = {
      adapter: (config) => this.send(config),
      timeout: this.options.timeoutMs,
      headers: { 'Content-Type': false },
      validateStatus: null,
    };
    Object.assign(defaults, settings);
    return instance;
  }

  /** Closes every connection; attempts in flight fail. */
  close(): Promise<void> {
    return this.agent.destroy();
  }

  /**
   * The axios adapter. The URL must be absolute. The body of the response is the beginning of the answer as text, at most 4 KiB.
   * @throws CallbackAttemptError if there is no answer
   */
  private async send(config: InternalAxiosRequestConfig<Buffer>): Promise<AxiosResponse<string>> {
    const request = {
      url: storedUrl(config.url!),
      method: config.method!.toUpperCase(),
      headers: config.headers.toJSON() as Record<string, string>,
      body: config.data ?? Buffer.alloc(0),
      account: (config as TracedRequestConfig).account ?? null,
    };
    const attempt = new CallbackAttempt(request, config.timeout!);
    try {
      await this.dispatch(attempt);
    } catch (error) {
      attempt.fail(notSent(error as Error));
    }
    const trace = await attempt.response;
    (config as TracedRequestConfig).onTrace?.(trace);
    const headers = trace.responseHeaders as RawAxiosResponseHeaders;
    return { data: trace.responseBody, status: trace.status, statusText: '', headers, config };
  }

  /** Checks the URL again, since the rules may have changed after the request was accepted. */
  private async dispatch(attempt: CallbackAttempt): Promise<void> {
    const { url, method, headers, body } = attempt.request;
    await this.options.guard.lookUp(url.href);
    const { origin, pathname, search } = this.options.guard.check(url.href);
    const options: AttemptOptions = { attempt, origin, path: pathname + search, method, headers, body };
    attempt.sendAgain = () => this.agent.dispatch(options, attempt);
    attempt.sendAgain();
  }
}

/** Why nothing was sent: the guard refused the URL, or could not look it up. */
function notSent(error: Error): NoAnswer {
  return new NoAnswer(error instanceof CallbackUrlRefused ? 'blocked' : 'protocol', error.message, { cause: error });
}

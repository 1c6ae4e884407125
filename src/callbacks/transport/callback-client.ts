import axios, {
  AxiosHeaders,
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
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

/**
 * The data of a request to a {@link CallbackClient}: a message with its headers. axios copies, renames and sorts the headers of
 * a configuration, which would cost a fifth of the callback rate. It would also copy a plain object, so this is a class.
 */
export class OutgoingMessage {
  /**
   * @param body The exact bytes.
   * @param headers All but `host`, `connection` and `content-length`; sent as given.
   * @param account The account that sends it; name lookups are limited per account.
   * @param startedAt The time at which the sender last checked that it may send, by `performance.now()`. Nothing is sent later
   *   than the timeout after it, for example by a process that was paused.
   */
  constructor(
    readonly body: Buffer,
    readonly headers: Record<string, string>,
    readonly account: AccountId,
    readonly startedAt = performance.now(),
  ) {}
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
   * Creates the axios of an `HttpService`. It sends an {@link OutgoingMessage} as given, and any HTTP status is an answer. It has
   * none of the library's defaults: axios would merge them into every request, at half of the request's cost, and none is used.
   */
  createAxios(): AxiosInstance {
    const instance = axios.create();
    const { defaults } = instance;
    for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) delete defaults[name];
    const settings: AxiosRequestConfig = {
      adapter: (config) => this.send(config),
      timeout: this.options.timeoutMs,
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
   * The axios adapter. The URL must be absolute and the data an {@link OutgoingMessage}. The data of the response is the trace of
   * the attempt, with the headers and the beginning of the body.
   * @throws CallbackAttemptError if there is no answer
   */
  private async send(config: InternalAxiosRequestConfig<OutgoingMessage>): Promise<AxiosResponse<CallbackResponse>> {
    const { body, headers, account, startedAt } = config.data!;
    const request = { url: storedUrl(config.url!), method: config.method!.toUpperCase(), headers, body, account };
    const attempt = new CallbackAttempt(request, config.timeout!, startedAt);
    try {
      await this.dispatch(attempt);
    } catch (error) {
      attempt.fail(notSent(error as Error));
    }
    const data = await attempt.response;
    // axios would create the headers twice from a plain object.
    const answerHeaders = Object.assign(new AxiosHeaders(), data.responseHeaders);
    return { data, status: data.status, statusText: '', headers: answerHeaders, config };
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

import type { HttpService } from '@nestjs/axios';
import axios, { type AxiosAdapter, type AxiosInstance, type AxiosResponse } from 'axios';
import { Agent } from 'undici';
import {
  type AttemptFailure,
  type AttemptTrace,
  CallbackAttemptError,
  type CallbackResponse,
  NoAnswer,
} from './attempt-trace.js';
import { CallbackAttempt, type CallbackRequest } from './callback-attempt.js';
import { checkedPool, type AttemptOptions, type DialOptions } from './checked-connection.js';
import { OpenConnections } from './open-connections.js';
import { SLOTS, SLOTS_PER_DESTINATION } from './slots.js';
import { CallbackUrlRefused } from '../url-guard/url-guard.js';

/** Connections to one destination. Further attempts wait, and their deadline runs. */
const MAX_CONNECTIONS_PER_DESTINATION = SLOTS_PER_DESTINATION;
/** Connections of one process, idle ones included. */
const MAX_CONNECTIONS = SLOTS;
const MAX_RESPONSE_HEADER_BYTES = 16 * 1024;
/** An idle connection is kept this long, or as long as the receiver's `Keep-Alive` hint says, up to the maximum. */
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MAX_MS = 30_000;

export interface CallbackHttpOptions extends DialOptions {
  /** Longest time of one attempt: name, connection, TLS, headers and body together. */
  timeoutMs: number;
}

export interface CallbackHttp {
  /** For the HttpService that {@link postCallback} takes. */
  axios: AxiosInstance;
  /** Ends every connection; attempts in flight fail. */
  close(): Promise<void>;
}

/** Why nothing was sent: the guard says no, or could not look the URL up. */
function notSent(error: Error): NoAnswer {
  return new NoAnswer(error instanceof CallbackUrlRefused ? 'blocked' : 'protocol', error.message, { cause: error });
}

/**
 * The HTTP client of callbacks: axios in front, undici underneath (axios' own transport is four to ten times slower).
 * undici by itself follows no redirect, decodes no body and reads no proxy variable, which is what a callback needs.
 */
export function createCallbackHttp(options: CallbackHttpOptions): CallbackHttp {
  const open = new OpenConnections(MAX_CONNECTIONS);
  const agent = new Agent({
    connections: MAX_CONNECTIONS_PER_DESTINATION,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    // The attempt's own deadline covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (origin, poolOptions) => checkedPool(new URL(origin), poolOptions, options, open),
  });

  /** The URL is under the guard once more, since rules may have changed between accept and attempt. */
  const dispatch = (request: CallbackRequest, attempt: CallbackAttempt): void => {
    const { origin, pathname, search } = options.guard.check(request.url.href);
    const { headers, body } = request;
    const dispatched: AttemptOptions = { attempt, origin, path: pathname + search, method: 'POST', headers, body };
    agent.dispatch(dispatched, attempt);
  };

  const adapter: AxiosAdapter = async (config) => {
    const request = config.data as CallbackRequest;
    const attempt = new CallbackAttempt(request, options.timeoutMs);
    try {
      await options.guard.lookUp(request.url.href);
      dispatch(request, attempt);
    } catch (error) {
      attempt.fail(notSent(error as Error));
    }
    const data = await attempt.response;
    return { data, status: data.status, statusText: '', headers: {}, config };
  };

  return { axios: straightAxios(adapter), close: () => agent.destroy() };
}

/** How an attempt went. Without an error kind a 2xx was answered in full; `status` is any other full answer. */
export interface CallbackOutcome {
  trace: AttemptTrace;
  errorKind: AttemptFailure | 'status' | null;
  errorMessage: string | null;
}

/**
 * An axios whose `request` goes straight to the adapter. On axios' own way there the settings are merged and the headers
 * copied four times, which takes a tenth of what an attempt costs.
 */
function straightAxios(adapter: AxiosAdapter): AxiosInstance {
  const instance = axios.create({ adapter });
  instance.request = adapter as AxiosInstance['request'];
  return instance;
}

/**
 * Sends one callback attempt.
 * @param http the service made with {@link CallbackHttp.axios}.
 * @param body the bytes on the wire, exactly.
 * @param headers all but those of the connection and the body's length.
 * @throws CallbackAttemptError when there is no answer; any HTTP status is an answer.
 */
export async function postCallback(
  http: HttpService,
  url: URL,
  body: Buffer,
  headers: Record<string, string>,
): Promise<CallbackResponse> {
  const { data }: AxiosResponse<CallbackResponse> = await http.axiosRef.request({
    method: 'POST',
    url: url.href,
    data: { url, headers, body } satisfies CallbackRequest,
  });
  return data;
}

/** Sends one callback attempt. Never rejects for an answer or the lack of one: whatever went wrong is in the outcome. */
export async function sendCallback(
  http: HttpService,
  url: URL,
  body: Buffer,
  headers: Record<string, string>,
): Promise<CallbackOutcome> {
  try {
    const trace = await postCallback(http, url, body, headers);
    const isTaken = trace.status >= 200 && trace.status < 300;
    if (isTaken) return { trace, errorKind: null, errorMessage: null };
    return { trace, errorKind: 'status', errorMessage: `The receiver answered ${trace.status}` };
  } catch (error) {
    if (!(error instanceof CallbackAttemptError)) throw error;
    return { trace: error.trace, errorKind: error.kind, errorMessage: error.message };
  }
}

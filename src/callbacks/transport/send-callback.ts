import type { HttpService } from '@nestjs/axios';
import {
  type AttemptFailure,
  type AttemptTrace,
  CallbackAttemptError,
  type CallbackResponse,
} from './attempt-trace.js';
import type { TracedRequestConfig } from './callback-client.js';

/** The outcome of an attempt. */
export interface CallbackOutcome {
  trace: AttemptTrace;
  /** Null for a complete 2xx answer; `status` for any other complete answer. */
  errorKind: AttemptFailure | 'status' | null;
  errorMessage: string | null;
}

/**
 * Sends one callback attempt through an HttpService over the axios of a `CallbackClient`.
 * @param body The exact bytes of the request.
 * @param headers All but `host`, `connection` and `content-length`.
 * @throws CallbackAttemptError if there is no answer; any HTTP status is an answer
 */
export async function postCallback(
  http: HttpService,
  url: string,
  body: Buffer,
  headers: Record<string, string>,
): Promise<CallbackResponse> {
  let response: CallbackResponse;
  const onTrace = (trace: CallbackResponse): void => void (response = trace);
  const request: TracedRequestConfig = { method: 'POST', url, data: body, headers, onTrace };
  await http.axiosRef.request(request);
  return response!;
}

/** Sends one callback attempt. It does not reject for a failed attempt: the outcome contains what went wrong. */
export async function sendCallback(
  http: HttpService,
  url: string,
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

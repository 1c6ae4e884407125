import type { HttpService } from '@nestjs/axios';
import {
  type AttemptFailure,
  type AttemptTrace,
  CallbackAttemptError,
  type CallbackResponse,
  type NotAttempted,
} from './attempt-trace.js';
import { CallbackUrlRefused } from '../url-guard/callback-url-refused.js';
import type { OutgoingMessage } from './callback-client.js';

/** The outcome of an attempt. */
export interface CallbackOutcome {
  trace: AttemptTrace;
  /** Null for a complete 2xx answer; `status` for any other complete answer. */
  errorKind: AttemptFailure | 'status' | null;
  errorMessage: string | null;
  /** Nothing was sent, and this uses up no attempt; null for an attempt. */
  notAttempted: NotAttempted | null;
  /** The part of the reason that only operators may know. */
  forOperators?: string | null;
}

/**
 * Sends one callback attempt through an HttpService over the axios of a `CallbackClient`.
 * @throws CallbackAttemptError if there is no answer; any HTTP status is an answer
 */
export async function postCallback(
  http: HttpService,
  url: string,
  message: OutgoingMessage,
): Promise<CallbackResponse> {
  const { data } = await http.axiosRef.request<CallbackResponse>({ method: 'POST', url, data: message });
  return data;
}

/** Sends one callback attempt. It does not reject for a failed attempt: the outcome contains what went wrong. */
export async function sendCallback(http: HttpService, url: string, message: OutgoingMessage): Promise<CallbackOutcome> {
  try {
    const trace = await postCallback(http, url, message);
    const isTaken = trace.status >= 200 && trace.status < 300;
    if (isTaken) return { trace, errorKind: null, errorMessage: null, notAttempted: null };
    const errorMessage = `The receiver answered ${trace.status}`;
    return { trace, errorKind: 'status', errorMessage, notAttempted: null };
  } catch (error) {
    if (!(error instanceof CallbackAttemptError)) throw error;
    const { trace, kind, notAttempted } = error;
    const forOperators = error.cause instanceof CallbackUrlRefused ? error.cause.forOperators : null;
    return { trace, errorKind: kind, errorMessage: error.message, notAttempted, forOperators };
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import { DaybookError } from '../../platform/errors.js';

/**
 * What an attempt did and saw, whatever it came to. Times are milliseconds, and null for a stage that did not happen
 * (the connection was there already, the URL names an address, the scheme is http) or that did not end.
 */
export interface AttemptTrace {
  /** The checked address of the receiver; null when nothing was dialled. */
  dialledAddress: string | null;
  /** As sent, or as they would have been; signatures are cut to their scheme. */
  requestHeaders: Record<string, string>;
  bodyBytes: number;
  /** Hex. */
  bodySha256: string;
  /** Null when not even the head of an answer came, like the headers and the body. */
  status: number | null;
  /** At most 16 KiB. */
  responseHeaders: IncomingHttpHeaders | null;
  /** The beginning, at most 4 KiB, as text: undecoded if compressed, and without NUL characters. */
  responseBody: string | null;
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  /** From the request to the head of the answer. */
  firstByteMs: number | null;
  /** Everything, the wait for a free connection included. */
  totalMs: number;
}

/** What a callback's receiver answered, in full. Any status is an answer; the retry schedule judges it. */
export interface CallbackResponse extends AttemptTrace {
  status: number;
  responseHeaders: IncomingHttpHeaders;
  responseBody: string;
}

/**
 * Why an attempt has no answer: the address is not allowed (`blocked`), its name does not resolve (`dns`), nobody
 * listens (`connect`), the certificate or handshake is bad (`tls`), the time is up (`timeout`), the connection ended
 * early (`reset`), or what came was not HTTP within the limits (`protocol`).
 */
export type AttemptFailure = 'blocked' | 'dns' | 'connect' | 'tls' | 'timeout' | 'reset' | 'protocol';

/** Why there is no answer. The message is one line for an operator and names no resolved address. */
export class NoAnswer extends Error {
  constructor(
    readonly kind: AttemptFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An attempt without an answer, or with half of one. */
export class CallbackAttemptError extends DaybookError {
  readonly code = 'callback-attempt-failed';
  readonly kind: AttemptFailure;

  constructor(
    { kind, message, cause }: NoAnswer,
    readonly trace: AttemptTrace,
  ) {
    super(message, { cause });
    this.kind = kind;
  }
}

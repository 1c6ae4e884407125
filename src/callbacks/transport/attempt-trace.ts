import type { IncomingHttpHeaders } from 'node:http';
import { DaybookError } from '../../platform/errors.js';

/**
 * The trace of an attempt with any outcome. Times are in milliseconds; null for a stage that was not needed (the connection
 * was kept, the URL names an address, the scheme is http) or that did not end.
 */
export interface AttemptTrace {
  /** The checked address of the receiver; null when nothing was dialled. */
  dialledAddress: string | null;
  /** The headers that were or would have been sent. Signatures are cut to their scheme. */
  requestHeaders: Record<string, string>;
  bodyBytes: number;
  /** Hex. */
  bodySha256: string;
  /** Status, response headers and response body are null when no response head arrived. */
  status: number | null;
  /** At most 16 KiB. */
  responseHeaders: IncomingHttpHeaders | null;
  /** The first 4 KiB as text. Not decompressed, and NUL characters are replaced. */
  responseBody: string | null;
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  /** From sending the request to the response head. */
  firstByteMs: number | null;
  /** The whole attempt, including the wait for a free connection. */
  totalMs: number;
}

/** The trace of a complete answer of any status. */
export interface CallbackResponse extends AttemptTrace {
  status: number;
  responseHeaders: IncomingHttpHeaders;
  responseBody: string;
}

/**
 * The reason for the lack of an answer: the address is not allowed (`blocked`), the name does not resolve (`dns`), the
 * connection is refused (`connect`), the certificate or handshake is bad (`tls`), the timeout has passed (`timeout`), the
 * connection ended early (`reset`), or the response is not HTTP within the limits (`protocol`).
 */
export type AttemptFailure = 'blocked' | 'dns' | 'connect' | 'tls' | 'timeout' | 'reset' | 'protocol';

/** An attempt got no answer. The message is one line for an operator and contains no resolved address. */
export class NoAnswer extends Error {
  constructor(
    readonly kind: AttemptFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Nothing was sent, for a reason that is not the receiver's: no nameserver answered, or the time passed while the attempt waited
 * for a lookup or a connection. It uses up no attempt; the delivery is tried again later.
 */
export class NotAttempted extends NoAnswer {
  /**
   * @param isNameDown The name cannot be resolved now, for any account. False for a wait that concerns this attempt alone.
   */
  constructor(
    kind: Extract<AttemptFailure, 'dns' | 'timeout'>,
    message: string,
    readonly isNameDown: boolean,
    options?: ErrorOptions,
  ) {
    super(kind, message, options);
  }
}

/** An attempt that got no complete answer, with its trace. */
export class CallbackAttemptError extends DaybookError {
  readonly code = 'callback-attempt-failed';
  readonly kind: AttemptFailure;
  /** The reason why nothing was sent, if that is not the receiver's fault. */
  readonly notAttempted: NotAttempted | null;

  constructor(
    reason: NoAnswer,
    readonly trace: AttemptTrace,
  ) {
    super(reason.message, { cause: reason.cause });
    this.kind = reason.kind;
    this.notAttempted = reason instanceof NotAttempted ? reason : null;
  }
}

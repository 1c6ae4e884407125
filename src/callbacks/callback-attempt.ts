import { TextDecoder } from 'node:util';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { DaybookError } from '../errors.js';

/** What a callback's receiver answered. Any status is an answer; the retry schedule judges it. */
export interface CallbackResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The beginning of the body, at most 4 KiB, as text: undecoded if compressed, and without NUL characters. */
  body: string;
  /** The checked address that answered. */
  dialledAddress: string;
  responseTimeMs: number;
}

/**
 * Why an attempt has no answer: the address is not allowed (`blocked`), its name does not resolve (`dns`), nobody
 * listens (`connect`), the certificate or handshake is bad (`tls`), the time is up (`timeout`), the connection ended
 * early (`reset`), or what came was not HTTP within the limits (`protocol`).
 */
export type AttemptFailure = 'blocked' | 'dns' | 'connect' | 'tls' | 'timeout' | 'reset' | 'protocol';

/** An attempt without an answer. The message is one line for an operator and names no resolved address. */
export class CallbackAttemptError extends DaybookError {
  readonly code = 'callback-attempt-failed';

  constructor(
    readonly kind: AttemptFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Read, so that an ordinary answer leaves the connection usable; past it the connection is cut. */
const MAX_BODY_BYTES = 16 * 1024;
/** Kept for the attempt log. */
const MAX_TEXT_BYTES = 4 * 1024;

/** Postgres text cannot hold NUL. `stream` drops a character that the cut went through instead of garbling it. */
function text(chunks: Buffer[]): string {
  if (chunks.length === 0) return '';
  const bytes = Buffer.concat(chunks).subarray(0, MAX_TEXT_BYTES);
  return new TextDecoder().decode(bytes, { stream: bytes.length === MAX_TEXT_BYTES }).replaceAll('\0', '\uFFFD');
}

/** Sorts what undici reports after the connection was made. Errors from before that arrive sorted. */
function afterConnect(error: Error): CallbackAttemptError {
  if (error instanceof CallbackAttemptError) return error;
  const code = 'code' in error ? String(error.code) : error.name;
  const failed = (kind: AttemptFailure, message: string) => new CallbackAttemptError(kind, message, { cause: error });
  // A TLS 1.3 server refuses a client after the handshake has ended on our side.
  if (code.startsWith('ERR_SSL_')) return failed('tls', `The receiver ended TLS with an alert (${code})`);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return failed('protocol', 'The response headers are longer than 16 KiB');
  const gone = code === 'UND_ERR_SOCKET' ? error.message === 'other side closed' : /^E(CONN|PIPE)/.test(code);
  if (gone) return failed('reset', 'The receiver closed the connection before it answered in full');
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return failed('reset', 'Daybook stopped before the answer came');
  }
  return failed('protocol', `The answer is not valid HTTP/1.1 (${code})`);
}

/**
 * One callback in flight: collects the answer within its bounds, once, and ends at the deadline whatever stage it is
 * in. undici's own limits are per stage, so a drip of bytes or of 1xx responses would outlive them.
 */
export class CallbackAttempt implements Dispatcher.DispatchHandler {
  /** Settles once. */
  readonly response: Promise<CallbackResponse>;
  /** The connection that carries the attempt, once there is one. */
  connection: { readonly dialledAddress: string } | undefined;

  private readonly startedAt = performance.now();
  private readonly deadline: NodeJS.Timeout;
  private resolve!: (response: CallbackResponse) => void;
  private reject!: (error: CallbackAttemptError) => void;
  private settled = false;
  private controller: Dispatcher.DispatchController | undefined;
  private status = 0;
  private headers: IncomingHttpHeaders = {};
  private readonly chunks: Buffer[] = [];
  private bodyBytes = 0;

  constructor(timeoutMs: number) {
    this.response = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const late = () => this.fail(new CallbackAttemptError('timeout', `No complete answer within ${timeoutMs} ms`));
    this.deadline = setTimeout(late, timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // It waited for a connection past the deadline; nothing has been sent yet, and nothing may be.
    if (this.settled) this.hangUp();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return; // Informational; the answer is still to come (RFC 9110 section 15.2).
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled) return;
    if (this.bodyBytes < MAX_TEXT_BYTES) this.chunks.push(chunk);
    this.bodyBytes += chunk.length;
    if (this.bodyBytes <= MAX_BODY_BYTES) return;
    this.succeed();
    this.hangUp();
  }

  onResponseEnd(): void {
    this.succeed();
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.fail(afterConnect(error));
  }

  fail(error: CallbackAttemptError): void {
    if (!this.settle()) return;
    this.reject(error);
    this.hangUp();
  }

  private succeed(): void {
    if (!this.settle()) return;
    this.resolve({
      status: this.status,
      headers: this.headers,
      body: text(this.chunks),
      dialledAddress: this.connection?.dialledAddress ?? '',
      responseTimeMs: Math.round(performance.now() - this.startedAt),
    });
  }

  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    clearTimeout(this.deadline);
    return true;
  }

  /** Destroys the connection, since what is left of this answer would otherwise stand before the next one. */
  private hangUp(): void {
    this.controller?.abort(new Error('The attempt is over'));
  }
}

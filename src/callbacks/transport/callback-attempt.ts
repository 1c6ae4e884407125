import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { TextDecoder } from 'node:util';
import type { Dispatcher } from 'undici';
import {
  type AttemptFailure,
  type AttemptTrace,
  CallbackAttemptError,
  type CallbackResponse,
  NoAnswer,
  NotAttempted,
} from './attempt-trace.js';
import type { AccountId } from '../../platform/tenant.js';
import type { Dial } from './dial.js';
import type { ResponseReader } from './response-reader.js';

/** Read up to here, so that an ordinary answer leaves the connection usable. A longer answer closes the connection. */
const MAX_BODY_BYTES = 16 * 1024;
/** Kept for the attempt log. */
const MAX_TEXT_BYTES = 4 * 1024;

/** For whole texts. A cut text needs its own decoder, which keeps the bytes of a cut character. */
const decoder = new TextDecoder();

/** Postgres text cannot hold NUL. `stream` drops a character that the cut split, instead of garbling it. */
function text(chunks: Buffer[]): string {
  if (chunks.length === 0) return '';
  const bytes = Buffer.concat(chunks).subarray(0, MAX_TEXT_BYTES);
  const decoded =
    bytes.length < MAX_TEXT_BYTES ? decoder.decode(bytes) : new TextDecoder().decode(bytes, { stream: true });
  return decoded.replaceAll('\0', '\uFFFD');
}

/** Cuts each signature to its scheme (`v1,…`): with the full signature a reader of the log could replay the callback. */
function withoutSecrets(headers: Record<string, string>): Record<string, string> {
  const signature = headers['webhook-signature'];
  if (signature !== undefined) headers['webhook-signature'] = signature.replace(/,[^ ]*/g, ',…');
  return headers;
}

/** Classifies an error that undici reports after the connection was established. Earlier errors arrive classified. */
function afterConnect(error: Error): NoAnswer {
  if (error instanceof NoAnswer) return error;
  const code = codeOf(error);
  const failed = (kind: AttemptFailure, message: string) => new NoAnswer(kind, message, { cause: error });
  // A TLS 1.3 server refuses a client after the handshake has ended on our side.
  if (code.startsWith('ERR_SSL_')) return failed('tls', `The receiver ended TLS with an alert (${code})`);
  if (isGone(error)) return failed('reset', 'The receiver closed the connection before it answered in full');
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return failed('reset', 'Daybook stopped before the answer came');
  }
  return failed('protocol', `The answer is not valid HTTP/1.1: ${firstLine(error.message) || code}`);
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Whether the receiver, or the network, has ended the connection. */
function isGone(error: Error): boolean {
  const code = codeOf(error);
  return code === 'UND_ERR_SOCKET' ? /^(other side )?closed$/.test(error.message) : /^E(CONN|PIPE)/.test(code);
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.slice(0, 200);
}

export interface CallbackRequest {
  url: Readonly<URL>;
  method: string;
  headers: Record<string, string>;
  body: Buffer;
  account: AccountId;
}

/** The head of an answer, and the part of its body that was read. */
interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  firstByteMs: number;
  chunks: Buffer[];
  bodyBytes: number;
}

/**
 * One callback in flight: collects one answer within its bounds and ends at the deadline, whatever stage it is in.
 * undici's own timeouts are per stage, so a drip of bytes or of 1xx responses would outlast them.
 */
export class CallbackAttempt implements Dispatcher.DispatchHandler {
  /** Settles once; rejects with a {@link CallbackAttemptError}. */
  readonly response: Promise<CallbackResponse>;
  /** The connection that carries the attempt, once there is one. */
  connection: { readonly dial: Dial | null; readonly reader: ResponseReader | null; release(): void } | undefined;
  /** Whether a kept connection was closed as the request was sent, so that it goes out on a new one. */
  isSentAgain = false;
  /** Sends the request again, within the same attempt. */
  sendAgain: (() => void) | undefined;

  private readonly deadline: NodeJS.Timeout;
  private endedAt: number | null = null;
  private sentAt = 0;
  private controller: Dispatcher.DispatchController | undefined;
  private answer: Answer | null = null;
  private ending: AbortController | undefined;
  private isTimedOutIdle = false;
  private resolve!: (response: CallbackResponse) => void;
  private reject!: (error: CallbackAttemptError) => void;

  /**
   * @param timeoutMs From now to the last byte of the answer.
   * @param startedAt By `performance.now()`. Nothing is sent later than the timeout after it.
   */
  constructor(
    readonly request: CallbackRequest,
    private readonly timeoutMs: number,
    private readonly startedAt = performance.now(),
  ) {
    this.response = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // It may be rejected before the caller awaits it.
    this.response.catch(() => undefined);
    this.deadline = setTimeout(() => this.failLate(), timeoutMs);
  }

  get account(): AccountId {
    return this.request.account;
  }

  /** Aborts when the attempt ends. */
  get signal(): AbortSignal {
    this.ending ??= new AbortController();
    if (this.endedAt !== null) this.ending.abort();
    return this.ending.signal;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.sentAt = performance.now();
    this.connection?.reader?.begin();
    // The attempt waited for a connection past its deadline and must not be sent any more. After a pause of the process
    // undici gets here before the timers are due, and another worker may have sent this callback meanwhile.
    if (this.endedAt !== null) this.hangUp();
    else if (this.sentAt - this.startedAt > this.timeoutMs) this.failLate();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // The connection was idle for too long; the request may be repeated on a new one (RFC 9110 section 15.5.9).
    if (status === 408 && /\bclose\b/i.test(headers.connection ?? '') && this.mayBeSentAgain()) {
      this.isTimedOutIdle = true;
      return this.hangUp();
    }
    this.answer = { status, headers, firstByteMs: performance.now() - this.sentAt, chunks: [], bodyBytes: 0 };
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    const { answer } = this;
    if (this.endedAt !== null || !answer) return;
    if (answer.bodyBytes < MAX_TEXT_BYTES) answer.chunks.push(chunk);
    answer.bodyBytes += chunk.length;
    if (answer.bodyBytes <= MAX_BODY_BYTES) return;
    this.succeed();
    this.hangUp();
  }

  onResponseEnd(): void {
    this.connection?.release();
    this.succeed();
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    // undici also ends a request with its connection that was not written yet.
    const isUnanswered = this.sentAt === 0 || this.connection?.reader?.hasBegun === false;
    const isStale = this.isTimedOutIdle || (isGone(error) && isUnanswered);
    if (!isStale || !this.mayBeSentAgain()) return this.fail(afterConnect(error));
    this.isSentAgain = true;
    this.sentAt = 0;
    this.isTimedOutIdle = false;
    this.controller = undefined;
    setImmediate(() => this.repeat());
  }

  private repeat(): void {
    if (this.endedAt !== null) return;
    try {
      this.sendAgain!();
    } catch (error) {
      this.fail(afterConnect(error as Error));
    }
  }

  /**
   * A receiver may close a kept connection at any time, also as a request is sent (RFC 9112 section 9.3.1). That is no failure of the
   * attempt: `webhook-id` lets a receiver that has taken the request recognise the second one.
   */
  private mayBeSentAgain(): boolean {
    const before = (this.connection?.reader?.requests ?? 0) - (this.sentAt === 0 ? 0 : 1);
    return before > 0 && !this.isSentAgain && this.sendAgain !== undefined && this.endedAt === null;
  }

  fail(reason: NoAnswer): void {
    if (!this.end()) return;
    this.reject(new CallbackAttemptError(reason, this.trace()));
    this.hangUp();
  }

  private failLate(): void {
    const isResolving = this.connection?.dial?.isResolving ?? false;
    if (this.sentAt > 0 || (this.connection && !isResolving)) {
      return this.fail(new NoAnswer('timeout', `No complete answer within ${this.timeoutMs} ms`));
    }
    const what = isResolving ? `answer from a nameserver for ${this.request.url.hostname}` : 'free connection';
    this.fail(new NotAttempted('timeout', `No ${what} within ${this.timeoutMs} ms`, isResolving));
  }

  /** Resolves in a microtask: an attempt that began before undici releases the connection would open another one. */
  private succeed(): void {
    if (this.end()) queueMicrotask(() => this.resolve(this.trace() as CallbackResponse));
  }

  private end(): boolean {
    if (this.endedAt !== null) return false;
    this.endedAt = performance.now();
    clearTimeout(this.deadline);
    this.ending?.abort();
    return true;
  }

  private trace(): AttemptTrace {
    const { answer } = this;
    const { url, headers, body } = this.request;
    const dial = this.connection?.dial;
    const isFirst = dial?.report() ?? false;
    return {
      dialledAddress: dial?.address ?? null,
      // The first three are undici's own.
      requestHeaders: withoutSecrets({
        host: url.host,
        connection: 'keep-alive',
        'content-length': String(body.length),
        ...headers,
      }),
      bodyBytes: body.length,
      bodySha256: hash('sha256', body, 'hex'),
      status: answer?.status ?? null,
      responseHeaders: answer?.headers ?? null,
      responseBody: answer && text(answer.chunks),
      dnsMs: isFirst ? dial!.dnsMs : null,
      connectMs: isFirst ? dial!.connectMs : null,
      tlsMs: isFirst ? dial!.tlsMs : null,
      firstByteMs: answer?.firstByteMs ?? null,
      totalMs: (this.endedAt ?? performance.now()) - this.startedAt,
    };
  }

  /** Destroys the connection: the rest of this answer would otherwise precede the next one. */
  private hangUp(): void {
    this.controller?.abort(new Error('The attempt is over'));
  }
}

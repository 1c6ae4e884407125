import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { TextDecoder } from 'node:util';
import type { Dispatcher } from 'undici';
import { atEndOfTurn } from '../../platform/concurrency/end-of-turn.js';
import {
  type AttemptFailure,
  type AttemptTrace,
  CallbackAttemptError,
  type CallbackResponse,
  NoAnswer,
  NotSent,
} from './attempt-trace.js';
import type { Dial } from './dial.js';

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

/** `v1,…`: that it was signed, and how. With the signature itself whoever may read the log could send it again. */
function withoutSecrets(headers: Record<string, string>): Record<string, string> {
  const signature = headers['webhook-signature'];
  if (signature !== undefined) headers['webhook-signature'] = signature.replace(/,[^ ]*/g, ',…');
  return headers;
}

/** Sorts what undici reports after the connection was made. Errors from before that arrive sorted. */
function afterConnect(error: Error): NoAnswer {
  if (error instanceof NoAnswer) return error;
  const code = 'code' in error ? String(error.code) : error.name;
  const failed = (kind: AttemptFailure, message: string) => new NoAnswer(kind, message, { cause: error });
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

/** What is sent. */
export interface CallbackRequest {
  url: URL;
  headers: Record<string, string>;
  body: Buffer;
}

/** What an attempt waits for that goes out the moment the one before it has been taken. */
export interface Baton {
  before: CallbackAttempt;
  /** Asked when its turn has come: whether it may go. True: it goes. */
  take: () => boolean;
}

/** The connection that carries an attempt. */
export interface AttemptConnection {
  readonly dial: Dial | null;
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean;
}

/**
 * One callback in flight: collects the answer within its bounds, once, and ends at the deadline whatever stage it is
 * in. undici's own limits are per stage, so a drip of bytes or of 1xx responses would outlive them.
 */
export class CallbackAttempt implements Dispatcher.DispatchHandler {
  /** Settles once; rejects with a {@link CallbackAttemptError}, or {@link NotSent}. */
  readonly response: Promise<CallbackResponse>;
  /** The connection that carries the attempt, once there is one. */
  connection: AttemptConnection | undefined;

  /** What it waits for; undefined once it goes. It must not hold on to what went before. */
  private take: (() => boolean) | undefined;
  private follower: CallbackAttempt | undefined;
  private startedAt = 0;
  private endedAt = 0;
  private deadline: NodeJS.Timeout | undefined;
  private resolve!: (response: CallbackResponse) => void;
  private reject!: (error: CallbackAttemptError | NotSent) => void;
  private settled = false;
  private controller: Dispatcher.DispatchController | undefined;
  private sentAt = 0;
  private firstByteMs: number | null = null;
  private status: number | null = null;
  private headers: IncomingHttpHeaders | null = null;
  private readonly chunks: Buffer[] = [];
  private bodyBytes = 0;

  /** @param baton What it waits for; its time begins when it has it. */
  constructor(
    private readonly request: CallbackRequest,
    private readonly timeoutMs: number,
    baton?: Baton,
  ) {
    this.response = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // It may settle before anybody waits for it.
    this.response.catch(() => undefined);
    if (baton) this.waitBehind(baton);
    else this.begin();
  }

  /** Whether it waits behind another, or has waited in vain. */
  get isBehind(): boolean {
    return this.take !== undefined;
  }

  /** Whether it has its connection, or one is being dialled for it, and has not ended: another could go behind it. */
  get isUnderWay(): boolean {
    return this.connection !== undefined && !this.isBehind && !this.settled;
  }

  /** Whether one to this URL could go behind it. */
  canLead(url: URL): boolean {
    return this.isUnderWay && this.request.url.origin === url.origin;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.take) this.takeOver(this.take);
    this.controller = controller;
    this.sentAt = performance.now();
    // It waited for a connection past the deadline; nothing has been sent yet, and nothing may be. A process that was
    // stopped meanwhile comes here before its timers are due: somebody else has made the attempt again by now.
    if (this.settled) this.hangUp();
    else if (this.sentAt - this.startedAt > this.timeoutMs) this.failLate();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return; // Informational; the answer is still to come (RFC 9110 section 15.2).
    this.firstByteMs = performance.now() - this.sentAt;
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

  fail(reason: NoAnswer): void {
    if (this.take) return this.withdraw();
    if (!this.settle(false)) return;
    this.reject(new CallbackAttemptError(reason, this.trace()));
    this.hangUp();
  }

  private waitBehind({ before, take }: Baton): void {
    this.take = take;
    this.connection = before.connection;
    before.follower = this;
  }

  private begin(): void {
    this.take = undefined;
    this.startedAt = performance.now();
    this.deadline = setTimeout(() => this.failLate(), this.timeoutMs);
  }

  /**
   * Its turn has come.
   * @throws NotSent, which keeps undici from sending it and leaves the connection as it is.
   */
  private takeOver(take: () => boolean): void {
    if (!this.settled && take()) return this.begin();
    this.withdraw();
    throw new NotSent('It may not go any more');
  }

  /** Waits no longer. */
  private withdraw(): void {
    if (this.settle(false)) this.reject(new NotSent('It did not come to its turn'));
  }

  private failLate(): void {
    this.fail(new NoAnswer('timeout', `No complete answer within ${this.timeoutMs} ms`));
  }

  private succeed(): void {
    const isFollowed = this.follower?.settled === false;
    const isTaken = this.status !== null && this.status >= 200 && this.status < 300;
    if (!this.settle(isTaken)) return;
    const report = (): void => this.resolve(this.trace() as CallbackResponse);
    // What follows goes out in this turn of the event loop. What is made of this answer has time until that one's comes.
    if (isFollowed && isTaken) atEndOfTurn(report);
    else report();
  }

  private settle(isTaken: boolean): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.endedAt = performance.now();
    clearTimeout(this.deadline);
    if (!isTaken) this.follower?.withdraw();
    this.follower = undefined;
    return true;
  }

  private trace(): AttemptTrace {
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
      status: this.status,
      responseHeaders: this.headers,
      responseBody: this.headers && text(this.chunks),
      dnsMs: isFirst ? dial!.dnsMs : null,
      connectMs: isFirst ? dial!.connectMs : null,
      tlsMs: isFirst ? dial!.tlsMs : null,
      firstByteMs: this.firstByteMs,
      totalMs: this.endedAt - this.startedAt,
    };
  }

  /** Destroys the connection, since what is left of this answer would otherwise stand before the next one. */
  private hangUp(): void {
    this.controller?.abort(new Error('The attempt is over'));
  }
}

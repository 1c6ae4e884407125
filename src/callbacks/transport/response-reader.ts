import { ChunkedBody } from './chunked-body.js';
import { type Framing, InvalidResponse, ordinaryLength, parseHead, parseStatusLine } from './response-head.js';

/** Longest head of a response, and longest trailer. */
export const MAX_RESPONSE_HEADER_BYTES = 16 * 1024;
/** Informational responses to one request. A receiver that still works may send one every few seconds. */
const MAX_INFORMATIONAL = 1_000;
/** The first bytes of an alert and of a handshake (RFC 8446 section 5.1). */
const TLS_RECORDS = ['\x15\x03', '\x16\x03'];
/** Longest response for which the fast path is tried. */
const ORDINARY_BYTES = 1_024;
const NOTHING = Buffer.alloc(0);
/** The end of a head: an empty line. Either line may end with LF alone (RFC 9112 section 2.2). */
const HEAD_END = /\n\r?\n/g;

/**
 * Reads the responses of one connection and passes them on in a strict form. undici's parser accepts little of what RFC 9112
 * tells a client to accept, and treats `100 Continue` as an error. Informational responses are left out (RFC 9110 section 15.2).
 */
export class ResponseReader {
  /** Requests that were sent over the connection so far. */
  requests = 0;
  /** Null between the end of a response and the next request. */
  private state: 'head' | Framing | null = null;
  private head = '';
  private chunked: ChunkedBody | null = null;
  private hasBytes = false;
  private informational = 0;

  /** Whether any byte of the response to the current request has arrived. */
  get hasBegun(): boolean {
    return this.hasBytes;
  }

  /** A request is about to be sent. */
  begin(): void {
    this.requests += 1;
    this.state = 'head';
    this.head = '';
    this.hasBytes = false;
    this.informational = 0;
  }

  /**
   * Takes the next bytes of the connection.
   * @returns The same part of the response in its strict form, which may be empty; null for bytes that belong to no request.
   * @throws InvalidResponse
   */
  read(bytes: Buffer): Buffer | null {
    if (this.state === null) return null;
    // Most responses arrive whole and in the strict form.
    const isFirst = !this.hasBytes;
    this.hasBytes = true;
    if (isFirst && bytes.length <= ORDINARY_BYTES && ordinaryLength(bytes.toString('latin1')) === bytes.length) {
      this.state = null;
      return bytes;
    }
    const parts: Buffer[] = [];
    let rest = bytes;
    while (rest.length > 0 && this.state !== null) {
      rest = this.state === 'head' ? this.readHead(rest, parts) : this.readBody(this.state, rest, parts);
    }
    // Bytes after the end of a response. The strict parser closes the connection for them.
    if (rest.length > 0) parts.push(rest);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** @returns The bytes after the head, or none if it is not complete. */
  private readHead(bytes: Buffer, parts: Buffer[]): Buffer {
    const before = this.head.length;
    this.head += bytes.toString('latin1');
    HEAD_END.lastIndex = Math.max(0, before - 2);
    const skipped = /^[\r\n]*/.exec(this.head)![0].length;
    HEAD_END.lastIndex = Math.max(HEAD_END.lastIndex, skipped);
    const end = HEAD_END.exec(this.head);
    const length = end ? HEAD_END.lastIndex : this.head.length;
    if (length > MAX_RESPONSE_HEADER_BYTES) throw new InvalidResponse('its headers are longer than 16 KiB');
    this.checkBeginning(this.head.slice(skipped));
    if (!end) return NOTHING;
    const lines = this.head.slice(skipped, end.index).replace(/\r$/, '').split(/\r?\n/);
    this.head = '';
    this.take(lines, parts);
    return bytes.subarray(length - before);
  }

  private take(lines: string[], parts: Buffer[]): void {
    const { status, framing, text } = parseHead(lines);
    if (status < 200) {
      this.informational += 1;
      if (this.informational > MAX_INFORMATIONAL) throw new InvalidResponse('it has too many informational responses');
      return;
    }
    parts.push(Buffer.from(text, 'latin1'));
    this.chunked = framing === 'chunked' ? new ChunkedBody(MAX_RESPONSE_HEADER_BYTES) : null;
    this.state = typeof framing === 'object' && framing.length === 0 ? null : framing;
  }

  /** Another protocol is recognised before the end of a head, which would never come. */
  private checkBeginning(text: string): void {
    if (TLS_RECORDS.some((record) => text.startsWith(record)))
      throw new InvalidResponse('the receiver speaks TLS on this port; use https');
    if (!'HTTP/'.startsWith(text.slice(0, 5))) throw new InvalidResponse('it does not begin with HTTP/');
    const end = text.indexOf('\n');
    if (end !== -1) parseStatusLine(text.slice(0, end).replace(/\r$/, ''));
  }

  /** @returns The bytes after the body. */
  private readBody(framing: Framing, bytes: Buffer, parts: Buffer[]): Buffer {
    if (framing === 'close') {
      parts.push(bytes);
      return NOTHING;
    }
    if (framing === 'chunked') {
      const rest = this.chunked!.read(bytes, parts);
      if (this.chunked!.isComplete) this.state = null;
      return rest;
    }
    const part = bytes.subarray(0, framing.length);
    parts.push(part);
    const left = framing.length - part.length;
    this.state = left === 0 ? null : { length: left };
    return bytes.subarray(part.length);
  }
}

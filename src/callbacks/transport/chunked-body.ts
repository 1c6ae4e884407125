import { InvalidResponse } from './response-head.js';

/** Longest line with the size of a chunk and its extensions. */
const MAX_SIZE_LINE = 4_096;
/** `chunk-size [chunk-ext]`, with the space that RFC 9112 section 7.1.1 lets a sender put in (BWS). */
const SIZE_LINE = /^([0-9a-fA-F]{1,13})[ \t]*(?:;.*)?$/;
const LF = 0x0a;

/**
 * Reads a chunked body (RFC 9112 section 7.1) and passes it on in chunks without extensions and trailers. Lines may end with LF
 * alone.
 */
export class ChunkedBody {
  isComplete = false;
  private state: 'size' | 'data' | 'data end' | 'trailers' = 'size';
  private line = '';
  /** Bytes of the current chunk that are to come. */
  private left = 0;
  private trailerBytes = 0;

  constructor(private readonly maxTrailerBytes: number) {}

  /**
   * Takes the next bytes and adds their strict form to `parts`.
   * @returns The bytes after the end of the body.
   * @throws InvalidResponse
   */
  read(bytes: Buffer, parts: Buffer[]): Buffer {
    let rest = bytes;
    while (rest.length > 0 && !this.isComplete) {
      rest = this.state === 'data' ? this.readData(rest, parts) : this.readLine(rest, parts);
    }
    return rest;
  }

  private readData(bytes: Buffer, parts: Buffer[]): Buffer {
    const part = bytes.subarray(0, this.left);
    this.left -= part.length;
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    if (this.left === 0) this.state = 'data end';
    return bytes.subarray(part.length);
  }

  private readLine(bytes: Buffer, parts: Buffer[]): Buffer {
    const end = bytes.indexOf(LF);
    this.line += bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
    if (this.line.length > (this.state === 'trailers' ? this.maxTrailerBytes : MAX_SIZE_LINE)) {
      throw new InvalidResponse('a line between its chunks is too long');
    }
    if (end === -1) return bytes.subarray(bytes.length);
    this.takeLine(this.line.replace(/\r$/, ''), parts);
    this.line = '';
    return bytes.subarray(end + 1);
  }

  private takeLine(line: string, parts: Buffer[]): void {
    if (this.state === 'size') return this.takeSize(line);
    if (this.state === 'data end') {
      if (line !== '') throw new InvalidResponse('a chunk is longer than its size');
      this.state = 'size';
      return;
    }
    this.trailerBytes += line.length;
    if (this.trailerBytes > this.maxTrailerBytes) throw new InvalidResponse('its trailers are longer than 16 KiB');
    if (line !== '') return;
    parts.push(Buffer.from('0\r\n\r\n'));
    this.isComplete = true;
  }

  private takeSize(line: string): void {
    const [, digits] = SIZE_LINE.exec(line) ?? [];
    if (digits === undefined) throw new InvalidResponse('the size of a chunk is not a number');
    this.left = Number.parseInt(digits, 16);
    this.state = this.left === 0 ? 'trailers' : 'data';
  }
}

import { isUtf8 } from 'node:buffer';

/** A line of a file, without its line break. */
export interface Line {
  /** The first is 1. */
  number: number;
  /** Only its start if the line is too long. */
  text: string;
  /** The reason why the line cannot be read; null if it can. */
  problem: string | null;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = '\ufeff';

/** Splits a stream of UTF-8 into lines that end with LF or CRLF. It keeps at most one line, up to its bound. */
export class LineSplitter {
  private parts: Buffer[] = [];
  private bytes = 0;
  private isTooLong = false;
  private count = 0;

  /** @param maxBytes Of a line; the rest of a longer one is skipped. */
  constructor(private readonly maxBytes: number) {}

  /** @returns The lines that the chunk completes. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end === -1) break;
      this.keep(chunk.subarray(start, end));
      lines.push(this.take());
      start = end + 1;
    }
    // A copy, because the chunk is much larger than its last part.
    this.keep(Buffer.from(chunk.subarray(start)));
    return lines;
  }

  /** @returns The last line, if no line break ends it. */
  end(): Line[] {
    return this.bytes > 0 ? [this.take()] : [];
  }

  private keep(part: Buffer): void {
    if (part.length === 0 || this.isTooLong) return;
    const room = this.maxBytes - this.bytes;
    this.isTooLong = part.length > room;
    this.parts.push(this.isTooLong ? part.subarray(0, room) : part);
    this.bytes += part.length;
  }

  private take(): Line {
    const whole = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
    const bytes = whole.at(-1) === CARRIAGE_RETURN ? whole.subarray(0, -1) : whole;
    const problem = this.isTooLong ? `is longer than ${this.maxBytes} bytes` : isUtf8(bytes) ? null : 'is not UTF-8';
    this.parts = [];
    this.bytes = 0;
    this.isTooLong = false;
    const text = bytes.toString('utf8');
    this.count += 1;
    const isMarked = this.count === 1 && text.startsWith(BYTE_ORDER_MARK);
    return { number: this.count, text: isMarked ? text.slice(1) : text, problem };
  }
}

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { ReportFile } from './report-file.js';

/** Bytes gathered before they are written: a small report costs less than half of what a write of its own takes. */
const GATHERED_BYTES = 256 * 1024;

/** One for all files of a thread, which writes one after the other. */
const GATHERED = Buffer.allocUnsafe(GATHERED_BYTES);

/**
 * The file that a batch of reports is written into, one report's part behind the other's: for many small reports one
 * file to make durable instead of many. There is none before a report asks for it.
 */
export class SpoolFile {
  private fd: number | null = null;
  private writtenBytes: number;
  /** Behind those that are written. */
  private gatheredBytes = 0;
  private part: ReportFile | null = null;
  private partStart: number;

  /**
   * @param headerBytes Room at the start of the file for the header that `close` writes.
   */
  constructor(
    private readonly path: string,
    headerBytes = 0,
  ) {
    this.writtenBytes = headerBytes;
    this.partStart = headerBytes;
  }

  /** Begins the one file of the next report. */
  openPart(): ReportFile {
    if (this.part) throw new Error('A report has one file');
    // An attempt's name is its own: that the file exists already is a bug, not something to write over.
    this.fd ??= openSync(this.path, 'wx', 0o600);
    this.part = new ReportFile((bytes) => this.append(bytes));
    return this.part;
  }

  /** Ends a report. @returns Where its bytes are, or null when it has none. */
  endPart(): { offset: number; length: number } | null {
    const part = this.part && { offset: this.partStart, length: this.sizeBytes() - this.partStart };
    this.part = null;
    this.partStart = this.sizeBytes();
    return part;
  }

  /** Takes back what a report that failed has written. */
  dropPart(): void {
    this.part = null;
    this.gatheredBytes = Math.max(0, this.partStart - this.writtenBytes);
    if (this.partStart >= this.writtenBytes) return;
    this.writtenBytes = this.partStart;
    if (this.fd !== null) ftruncateSync(this.fd, this.writtenBytes);
  }

  /** Until now some of the parts may be missing from the file. @throws What the file system says; it is closed then. */
  close(header?: Buffer): void {
    if (this.fd === null) return;
    try {
      this.flush();
      if (header) this.writeAt(header, 0);
    } finally {
      closeSync(this.fd);
      this.fd = null;
    }
  }

  private sizeBytes(): number {
    return this.writtenBytes + this.gatheredBytes;
  }

  private append(bytes: Buffer): void {
    if (this.gatheredBytes + bytes.length > GATHERED_BYTES) this.flush();
    if (bytes.length > GATHERED_BYTES) return this.write(bytes);
    bytes.copy(GATHERED, this.gatheredBytes);
    this.gatheredBytes += bytes.length;
  }

  private flush(): void {
    const bytes = GATHERED.subarray(0, this.gatheredBytes);
    this.write(bytes);
    this.gatheredBytes = 0;
  }

  private write(bytes: Buffer): void {
    this.writeAt(bytes, this.writtenBytes);
    this.writtenBytes += bytes.length;
  }

  private writeAt(bytes: Buffer, position: number): void {
    // A disk that is nearly full takes a part, and refuses the rest only on the next call.
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.fd!, bytes, written, bytes.length - written, position + written);
    }
  }
}

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { ReportFile } from './report-file.js';

/** Bytes buffered before a write. With a write of its own, a small report takes twice as long. */
const GATHERED_BYTES = 256 * 1024;

/** Shared by all files of a thread, which writes one at a time. */
const GATHERED = Buffer.allocUnsafe(GATHERED_BYTES);

/** The local file of a batch of reports, one part after the other. It is created when a report opens its part. */
export class SpoolFile {
  private fd: number | null = null;
  private writtenBytes: number;
  /** Buffered, and not yet written. */
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

  /** Opens the only part of the next report. @param maxBytes What it may have. */
  openPart(maxBytes?: number): ReportFile {
    if (this.part) throw new Error('A report has one file');
    // The name is unique to an attempt, so an existing file is a bug and must not be overwritten.
    this.fd ??= openSync(this.path, 'wx', 0o600);
    this.part = new ReportFile((bytes) => this.append(bytes), maxBytes);
    return this.part;
  }

  /** Ends a report. @returns The location of its bytes, or null if it has none. */
  endPart(): { offset: number; length: number } | null {
    const part = this.part && { offset: this.partStart, length: this.sizeBytes() - this.partStart };
    this.part = null;
    this.partStart = this.sizeBytes();
    return part;
  }

  /** Discards the bytes of a failed report. */
  dropPart(): void {
    this.part = null;
    this.gatheredBytes = Math.max(0, this.partStart - this.writtenBytes);
    if (this.partStart >= this.writtenBytes) return;
    this.writtenBytes = this.partStart;
    try {
      if (this.fd !== null) ftruncateSync(this.fd, this.writtenBytes);
    } catch {
      // The next part overwrites the bytes. An error here would hide the one that the report failed with.
    }
  }

  /** Writes the remaining bytes and the header. The file is closed even if it throws a system error. */
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

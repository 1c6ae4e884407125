import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { ReportFile } from './report-file.js';

/**
 * The file that a batch of reports is written into, one report's part behind the other's: for many small reports one
 * file to make durable instead of many. There is none before a report asks for it.
 */
export class SpoolFile {
  private fd: number | null = null;
  private sizeBytes = 0;
  private part: ReportFile | null = null;
  private partStart = 0;

  constructor(private readonly path: string) {}

  /** Begins the one file of the next report. */
  openPart(): ReportFile {
    if (this.part) throw new Error('A report has one file');
    // An attempt's name is its own: that the file exists already is a bug, not something to write over.
    this.fd ??= openSync(this.path, 'wx');
    this.part = new ReportFile((bytes) => this.append(bytes));
    return this.part;
  }

  /** Ends a report. @returns Where its bytes are, or null when it has none. */
  endPart(): { offset: number; length: number } | null {
    const part = this.part && { offset: this.partStart, length: this.sizeBytes - this.partStart };
    this.part = null;
    this.partStart = this.sizeBytes;
    return part;
  }

  /** Takes back what a report that failed has written. */
  dropPart(): void {
    this.part = null;
    this.sizeBytes = this.partStart;
    if (this.fd !== null) ftruncateSync(this.fd, this.sizeBytes);
  }

  close(): void {
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  private append(bytes: Buffer): void {
    // A disk that is nearly full takes a part and refuses the rest only on the next call.
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.fd!, bytes, written, bytes.length - written, this.sizeBytes + written);
    }
    this.sizeBytes += bytes.length;
  }
}

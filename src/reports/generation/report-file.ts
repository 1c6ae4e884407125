import { createHash } from 'node:crypto';

/**
 * The file of one report while it is written: counts and hashes the bytes. It blocks: in a worker thread, a small file is
 * faster without a turn of the event loop.
 */
export class ReportFile {
  private readonly hash = createHash('sha256');
  private sizeBytes = 0;

  /** @param append Writes bytes behind the previous ones, and keeps no reference to them. */
  constructor(private readonly append: (bytes: Buffer) => void) {}

  write(bytes: Buffer): void {
    this.hash.update(bytes);
    this.sizeBytes += bytes.length;
    this.append(bytes);
  }

  finish(): { sizeBytes: number; sha256: string } {
    return { sizeBytes: this.sizeBytes, sha256: this.hash.digest('hex') };
  }
}

import { createHash } from 'node:crypto';
import { OVER_STORAGE_QUOTA } from '../../requests/requests.errors.js';
import { ReportFailed } from '../report-failed.js';

/** The file would be larger than what the account may still store. */
class OverStorageQuota extends ReportFailed {
  constructor(leftBytes: number) {
    super(`${OVER_STORAGE_QUOTA} (${leftBytes} bytes, MAX_STORAGE_ACCOUNT). Delete finished requests to make room.`);
  }
}

/**
 * The file of one report while it is written: counts and hashes the bytes. It blocks: in a worker thread, a small file is
 * faster without a turn of the event loop.
 */
export class ReportFile {
  private readonly hash = createHash('sha256');
  private sizeBytes = 0;

  /**
   * @param append Writes bytes behind the previous ones, and keeps no reference to them.
   * @param maxBytes What the account may still store.
   */
  constructor(
    private readonly append: (bytes: Buffer) => void,
    private readonly maxBytes = Number.POSITIVE_INFINITY,
  ) {}

  /** @throws OverStorageQuota, before anything is written that would go beyond it. */
  write(bytes: Buffer): void {
    if (this.sizeBytes + bytes.length > this.maxBytes) throw new OverStorageQuota(this.maxBytes);
    this.hash.update(bytes);
    this.sizeBytes += bytes.length;
    this.append(bytes);
  }

  finish(): { sizeBytes: number; sha256: string } {
    return { sizeBytes: this.sizeBytes, sha256: this.hash.digest('hex') };
  }
}

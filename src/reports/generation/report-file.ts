import { createHash } from 'node:crypto';

/** Text gathered before it is encoded and written; larger chunks are no faster and cost memory. */
const CHUNK_CHARACTERS = 64 * 1024;

/** The most bytes that UTF-8 needs for one UTF-16 code unit. */
const BYTES_PER_CHARACTER = 3;

/** One for all files of a thread, since nothing happens between filling it and writing it out. */
const ENCODED = Buffer.allocUnsafe(2 * CHUNK_CHARACTERS * BYTES_PER_CHARACTER);

/**
 * The file of one report while it is written: text in, UTF-8 out, counted and hashed on the way.
 * It blocks, because it lives in a worker thread, where a small file is quicker without a turn of the event loop.
 */
export class ReportFile {
  private readonly hash = createHash('sha256');
  private pending = '';
  private sizeBytes = 0;

  /** @param append Writes bytes behind those before. */
  constructor(private readonly append: (bytes: Buffer) => void) {}

  write(text: string): void {
    this.pending += text;
    if (this.pending.length >= CHUNK_CHARACTERS) this.flush();
  }

  /** Writes what is left. The file is not yet durable: that is `FileStore.commit`. */
  finish(): { sizeBytes: number; sha256: string } {
    this.flush();
    return { sizeBytes: this.sizeBytes, sha256: this.hash.digest('hex') };
  }

  private flush(): void {
    const bytes = encode(this.pending);
    this.pending = '';
    this.hash.update(bytes);
    this.sizeBytes += bytes.length;
    this.append(bytes);
  }
}

/** A fresh buffer for every chunk would cost a third of the speed. */
function encode(text: string): Buffer {
  if (text.length * BYTES_PER_CHARACTER > ENCODED.length) return Buffer.from(text);
  return ENCODED.subarray(0, ENCODED.write(text));
}

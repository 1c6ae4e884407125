import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

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
  private readonly fd: number;
  private readonly hash = createHash('sha256');
  private pending = '';
  private sizeBytes = 0;
  private isOpen = true;

  constructor(path: string) {
    // An attempt's name is its own: that the file exists already is a bug, not something to write over.
    this.fd = openSync(path, 'wx');
  }

  write(text: string): void {
    this.pending += text;
    if (this.pending.length >= CHUNK_CHARACTERS) this.flush();
  }

  /** Writes what is left and closes. The file is not yet durable: that is `FileStore.commit`. */
  finish(): { sizeBytes: number; sha256: string } {
    this.flush();
    this.close();
    return { sizeBytes: this.sizeBytes, sha256: this.hash.digest('hex') };
  }

  /** Lets go of the file as it is; harmless after `finish`. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    closeSync(this.fd);
  }

  private flush(): void {
    const bytes = encode(this.pending);
    this.pending = '';
    this.hash.update(bytes);
    this.sizeBytes += bytes.length;
    // A disk that is nearly full takes a part and refuses the rest only on the next call.
    for (let written = 0; written < bytes.length;) written += writeSync(this.fd, bytes, written);
  }
}

/** A fresh buffer for every chunk would cost a third of the speed. */
function encode(text: string): Buffer {
  if (text.length * BYTES_PER_CHARACTER > ENCODED.length) return Buffer.from(text);
  return ENCODED.subarray(0, ENCODED.write(text));
}

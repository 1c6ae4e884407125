import { ReportFailed } from '../report-failed.js';
import type { CellRow } from './row-writer.js';

const NEWLINE = 10;
const BACKSLASH = 92;
const NULL = '\\N';

/** The escapes that Postgres writes (its manual, "COPY", "Text Format"); any other character means itself. */
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const ESCAPE = /\\(.)/gs;

/** A cell of Postgres has up to 1 GB. No file format takes such a row. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;

/** Reads the output of `COPY … TO STDOUT` (text format, UTF-8), which arrives in chunks that are cut anywhere. */
export class CopyTextParser {
  /** The beginning of a row that the next chunk continues. */
  private started: Buffer[] = [];
  private startedBytes = 0;

  /** @param cellCount The number of cells in a row. */
  constructor(private readonly cellCount: number) {}

  /**
   * Returns the rows that are complete with this chunk. It keeps no reference to the chunk.
   * @throws ReportFailed for a row of more than 64 MiB.
   */
  rows(chunk: Buffer): CellRow[] {
    // Newlines within cells are escaped, and no character of UTF-8 contains this byte.
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      this.keep(chunk);
      return [];
    }
    const text = this.textUntil(chunk, end);
    this.keep(chunk.subarray(end + 1));
    return text.split('\n').map((line) => this.row(line));
  }

  /** @throws Error if the last row is incomplete. */
  end(): void {
    if (this.startedBytes > 0) throw new Error('The output of COPY ends within a row');
  }

  private textUntil(chunk: Buffer, end: number): string {
    if (this.startedBytes === 0) return chunk.toString('utf8', 0, end);
    const text = Buffer.concat([...this.started, chunk.subarray(0, end)]).toString();
    this.started = [];
    this.startedBytes = 0;
    return text;
  }

  private keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.startedBytes += bytes.length;
    if (this.startedBytes > MAX_ROW_BYTES) throw new ReportFailed('A row of the report is larger than 64 MiB');
    this.started.push(Buffer.from(bytes));
  }

  private row(line: string): CellRow {
    const cells: (string | null)[] = line.split('\t');
    if (cells.length !== this.cellCount) {
      throw new Error(`A row of COPY has ${cells.length} cells instead of ${this.cellCount}`);
    }
    if (line.includes('\\')) {
      for (let index = 0; index < cells.length; index++) cells[index] = unescaped(cells[index]!);
    }
    return cells;
  }
}

function unescaped(cell: string): string | null {
  if (cell.charCodeAt(0) === BACKSLASH && cell === NULL) return null;
  if (!cell.includes('\\')) return cell;
  return cell.replace(ESCAPE, (_, escape: string) => ESCAPES[escape] ?? escape);
}

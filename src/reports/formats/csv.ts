import type { Column, Row } from './columns.js';

/** CSV as in RFC 4180: CRLF after every record, quotes around a cell that needs them. The encoding is UTF-8. */
export const CSV_MEDIA_TYPE = 'text/csv; charset=utf-8';

/** Cells that a spreadsheet would run as a formula (OWASP, "CSV injection"). */
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

/** Characters that could end a `#` line or open a second cell in it. These lines have no formula guard. */
const LINE_BREAKERS = /[\p{Cc}\u2028\u2029",;]+/gu;

/**
 * Returns the cell of a text column. A leading apostrophe disarms a formula. Not for numbers: it would turn -5.00 into text.
 */
export function csvText(value: string): string {
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const FRACTIONS = Array.from({ length: 100 }, (_, n) => `.${String(n).padStart(2, '0')}`);

/** Returns integer cents as a decimal number with two places. */
export function csvMoney(cents: number): string {
  const size = Math.abs(cents);
  // toFixed takes ten times as long.
  const decimal = String(Math.floor(size / 100)) + FRACTIONS[size % 100]!;
  return cents < 0 ? `-${decimal}` : decimal;
}

/** Returns the top of a file: `# name: value` lines, then the column names. */
export function csvHead(head: Readonly<Record<string, string | number>>, columns: readonly Column[]): string {
  const lines = Object.entries(head).map(([name, value]) => `# ${`${name}: ${value}`.replace(LINE_BREAKERS, ' ')}\r\n`);
  return `${lines.join('')}${columns.map(({ label }) => csvText(label)).join(',')}\r\n`;
}

const [COMMA, CR, LF] = [0x2c, 0x0d, 0x0a];
const MAX_ASCII = 0x7f;

/** One for all writers of a thread: a thread writes one file at a time. */
const CHUNK = Buffer.allocUnsafe(64 * 1024);

/** Larger cells are written without the buffer. */
const MAX_BUFFERED_CELL = 1_024;

/** Encoded cells of recent texts. Most columns repeat a few texts, and encoding one takes ten times as long. */
const encodedTexts = new Map<string, Buffer>();
const MAX_ENCODED_TEXTS = 1_000;
const MAX_ENCODED_LENGTH = 64;

function encodedText(value: string): Buffer {
  let cell = encodedTexts.get(value);
  if (cell) return cell;
  cell = Buffer.from(csvText(value));
  if (value.length > MAX_ENCODED_LENGTH) return cell;
  if (encodedTexts.size >= MAX_ENCODED_TEXTS) encodedTexts.clear();
  encodedTexts.set(value, cell);
  return cell;
}

/**
 * Writes the records of a table. It puts bytes into a buffer instead of joining strings: with strings a report of a million
 * rows takes 1.2 times as long.
 */
export class CsvWriter<Columns extends readonly Column[]> {
  private readonly kinds: readonly Column['kind'][];
  private length = 0;

  /** @param write Takes each chunk before it returns: the buffer is used again. */
  constructor(
    private readonly columns: Columns,
    private readonly write: (chunk: Buffer) => void,
  ) {
    this.kinds = columns.map(({ kind }) => kind);
  }

  row(row: Row<Columns>): void {
    const last = this.kinds.length - 1;
    for (let index = 0; index <= last; index++) {
      const kind = this.kinds[index];
      const value = row[index]!;
      if (kind === 'text') this.bytes(encodedText(value as string));
      else if (kind === 'money') this.ascii(csvMoney(value as number));
      else this.ascii(typeof value === 'string' ? value : String(value));
      CHUNK[this.length++] = index < last ? COMMA : CR;
    }
    CHUNK[this.length++] = LF;
  }

  /** Writes the top of the file. */
  head(values: Readonly<Record<string, string | number>>): void {
    this.bytes(Buffer.from(csvHead(values, this.columns)));
  }

  /** Writes what is in the buffer. */
  flush(): void {
    this.write(CHUNK.subarray(0, this.length));
    this.length = 0;
  }

  private ascii(text: string): void {
    if (text.length > MAX_BUFFERED_CELL) return this.bytes(Buffer.from(text));
    this.reserve(text.length);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > MAX_ASCII) return this.bytes(Buffer.from(text));
      CHUNK[this.length + index] = code;
    }
    this.length += text.length;
  }

  private bytes(bytes: Buffer): void {
    if (bytes.length > MAX_BUFFERED_CELL) {
      this.flush();
      return this.write(bytes);
    }
    this.reserve(bytes.length);
    // Buffer.copy takes three times as long for a few bytes.
    for (let index = 0; index < bytes.length; index++) CHUNK[this.length + index] = bytes[index]!;
    this.length += bytes.length;
  }

  /** Makes room for a cell and the end of the record. */
  private reserve(bytes: number): void {
    if (this.length + bytes + 2 > CHUNK.length) this.flush();
  }
}

import type { Column, Row } from './columns.js';

/** CSV as in RFC 4180: CRLF after every record, quotes around a cell that needs them. The encoding is UTF-8. */
export const CSV_MEDIA_TYPE = 'text/csv; charset=utf-8';

/** Cells that a spreadsheet would run as a formula (OWASP, "CSV injection"). */
export const FORMULA_STARTS = ['=', '+', '-', '@', '\t', '\r'] as const;
const FORMULA = new RegExp(`^[${FORMULA_STARTS.map((start) => `\\${start}`).join('')}]`);
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

/** Text gathered before it is encoded and written; larger chunks are no faster and cost memory. */
const CHUNK_CHARACTERS = 64 * 1024;
/** The most bytes that UTF-8 needs for one UTF-16 code unit. */
const BYTES_PER_CHARACTER = 3;
/** One for all writers of a thread, which writes one file at a time. A new buffer for each chunk would cost a third of the speed. */
const ENCODED = Buffer.allocUnsafe(2 * CHUNK_CHARACTERS * BYTES_PER_CHARACTER);

/** Cells of recent texts: most columns repeat a few texts. */
const cells = new Map<string, string>();
const MAX_CELLS = 1_000;

function cellOf(text: string): string {
  let cell = cells.get(text);
  if (cell !== undefined) return cell;
  cell = csvText(text);
  if (cells.size >= MAX_CELLS) cells.clear();
  cells.set(text, cell);
  return cell;
}

/** Writes the records of a table. */
export class CsvWriter<Columns extends readonly Column[]> {
  private readonly kinds: readonly Column['kind'][];
  private pending = '';

  /** @param write Takes each chunk before it returns: the buffer is used again. */
  constructor(
    private readonly columns: Columns,
    private readonly write: (chunk: Buffer) => void,
  ) {
    this.kinds = columns.map(({ kind }) => kind);
  }

  row(row: Row<Columns>): void {
    let record = '';
    for (let index = 0; index < this.kinds.length; index++) {
      const kind = this.kinds[index];
      const value = row[index]!;
      if (index > 0) record += ',';
      if (kind === 'text') record += cellOf(value as string);
      else record += kind === 'money' ? csvMoney(value as number) : value;
    }
    this.pending += `${record}\r\n`;
    if (this.pending.length >= CHUNK_CHARACTERS) this.flush();
  }

  /** Writes the top of the file. */
  head(values: Readonly<Record<string, string | number>>): void {
    this.pending += csvHead(values, this.columns);
  }

  /** Writes what was gathered. */
  flush(): void {
    const text = this.pending;
    this.pending = '';
    const fits = text.length * BYTES_PER_CHARACTER <= ENCODED.length;
    this.write(fits ? ENCODED.subarray(0, ENCODED.write(text)) : Buffer.from(text));
  }
}

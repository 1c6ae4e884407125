/** CSV as RFC 4180 has it: CRLF after every record, quotes around a cell that needs them. The encoding is UTF-8. */
export const CSV_MEDIA_TYPE = 'text/csv; charset=utf-8';

const LINE_END = '\r\n';

/** Cells that a spreadsheet would run as a formula (OWASP, "CSV injection"). */
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

/** What could end a `#` line, or open a second cell in it, where no formula guard stands. */
const LINE_BREAKERS = /[\p{Cc}\u2028\u2029",;]+/gu;

/**
 * A finished cell of a text column: a leading apostrophe disarms a formula. Not for numbers, where it would turn
 * -5.00 into text.
 */
export function csvText(value: string): string {
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const TWO_DIGITS = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));

/** A finished cell of an amount: whole cents as a decimal number with two places. */
export function csvMoney(cents: number): string {
  const size = Math.abs(cents);
  // Not by toFixed, which takes ten times as long.
  return `${cents < 0 ? '-' : ''}${Math.floor(size / 100)}.${TWO_DIGITS[size % 100]}`;
}

const LAST_TWO_DIGITS = TWO_DIGITS.map((digits) => `.${digits}${LINE_END}`);

/** An amount that is not negative, as {@link csvMoney} has it, in a record's last column, with the record's end. */
export function csvLastMoney(cents: number): string {
  return String(Math.floor(cents / 100)) + LAST_TWO_DIGITS[cents % 100];
}

/** A record of finished cells. */
export function csvRecord(cells: readonly string[]): string {
  return cells.join(',') + LINE_END;
}

/** The head of a file: the summary as `# name: value` lines, then the column names. */
export function csvHead(summary: Readonly<Record<string, string | number>>, columns: readonly string[]): string {
  const lines = Object.entries(summary).map(([name, value]) => {
    return `# ${`${name}: ${value}`.replace(LINE_BREAKERS, ' ')}${LINE_END}`;
  });
  return lines.join('') + csvRecord(columns.map(csvText));
}

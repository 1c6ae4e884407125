import { ReportFailed } from '../report-failed.js';

/** A column of a file. `money` is an amount, as the writer of the format says; `time` is an instant. */
export interface FileColumn {
  readonly name: string;
  readonly kind: 'id' | 'text' | 'date' | 'time' | 'integer' | 'money';
}

/**
 * Cells in Postgres' text form; null for no value. A row has a cell for each column of the file, in their order. It may have
 * further cells, which are not written.
 */
export type CellRow = readonly (string | null)[];

/** Writes the rows of a report in one format. The bytes depend on the rows alone, not on their division into calls. */
export interface RowWriter {
  /** Takes rows in order. Resolves (or returns undefined) when it is ready for more. */
  write(rows: readonly CellRow[]): Promise<void> | void;
  /** Writes the end of the file. */
  finish(): Promise<void>;
}

const INTEGER = /^-?\d+$/;

/**
 * Returns a cell of an `integer` or `money` column as it is.
 * @throws ReportFailed if it is not an integer.
 */
export function integerCell(cell: string, { name }: FileColumn): string {
  if (!INTEGER.test(cell)) throw new ReportFailed(`Column ${name}: ${cell.slice(0, 100)} is not an integer`);
  return cell;
}

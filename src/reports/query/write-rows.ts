import { Sql, select, sql } from '../../platform/database/sql.js';
import { csvCell, jsonCell, minorUnitName, type QueryColumn } from './query-columns.js';
import type { Snapshot, Take } from '../../platform/database/snapshot.js';

/** The formats of reports over tables, the default first. */
export const QUERY_FORMATS = ['csv', 'jsonl'] as const;
type QueryFormat = (typeof QUERY_FORMATS)[number];

/** The rows of a report and the order of its columns. */
export interface ReportQuery {
  columns: readonly (QueryColumn & { name: string })[];
  /** `FROM …` with everything behind it but the order. */
  rows: Sql;
  /** A total order of the rows. */
  orderBy: string;
}

/** Writes the rows of a query. @returns Their number. */
type RowsWriter = (snapshot: Snapshot, query: ReportQuery, write: Take) => Promise<number>;

const named = (value: Sql, name: string): Sql => sql`${value} AS ${new Sql(`"${name}"`)}`;

/** Postgres writes the file: nothing on its way looks at the rows. */
const writeCsv: RowsWriter = (snapshot, { columns, rows, orderBy }, write) => {
  const cells = columns.map((column) => named(csvCell(column), column.name));
  return snapshot.copyCsv(select(cells, rows, orderBy), write);
};

const writeJsonLines: RowsWriter = (snapshot, { columns, rows, orderBy }, write) => {
  const cells = columns.map((column) => named(jsonCell(column), minorUnitName(column.name, column)));
  return snapshot.copyJson(select(cells, rows, orderBy), write);
};

const WRITERS: Readonly<Record<QueryFormat, RowsWriter>> = { csv: writeCsv, jsonl: writeJsonLines };

/**
 * Writes the rows of a report.
 * @param format One of {@link QUERY_FORMATS}.
 * @param write Takes each chunk before it resolves.
 * @returns The number of rows.
 */
export function writeRows(snapshot: Snapshot, query: ReportQuery, format: string, write: Take): Promise<number> {
  return WRITERS[format as QueryFormat](snapshot, query, write);
}

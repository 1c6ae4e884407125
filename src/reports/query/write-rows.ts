import { Sql, select, sql } from '../../platform/database/sql.js';
import type { Snapshot, Take } from '../../platform/database/snapshot.js';
import { CopyTextParser } from '../formats/copy-text.js';
import { GzipWriter } from '../formats/gzip.js';
import { parquetWriter } from '../formats/parquet.js';
import type { FileColumn, RowWriter } from '../formats/row-writer.js';
import { xlsxWriter } from '../formats/xlsx.js';
import { csvCell, jsonCell, minorUnitName, plainCell, type QueryColumn } from './query-columns.js';

/** The formats of reports over tables, the default first. */
export const QUERY_FORMATS = ['csv', 'jsonl', 'xlsx', 'parquet'] as const;
type QueryFormat = (typeof QUERY_FORMATS)[number];

const COMPRESSED = '.gz';

type NamedColumn = QueryColumn & { name: string };

/** The rows of a report and the order of its columns. */
export interface ReportQuery {
  columns: readonly NamedColumn[];
  /** `FROM …` with everything behind it but the order. */
  rows: Sql;
  /** A total order of the rows. */
  orderBy: string;
}

/** Takes the bytes before it returns. */
type Write = (bytes: Buffer) => void;

/** Writes the rows of a query. @returns Their number. */
type RowsWriter = (snapshot: Snapshot, query: ReportQuery, write: Write) => Promise<number>;

function selectCells({ columns, rows, orderBy }: ReportQuery, cellOf: (column: NamedColumn) => Sql): Sql {
  return select(columns.map(cellOf), rows, orderBy);
}

const named = (value: Sql, name: string): Sql => sql`${value} AS ${new Sql(`"${name}"`)}`;

/** Postgres writes the file: nothing on its way looks at the rows. */
const writeCsv: RowsWriter = (snapshot, query, write) =>
  snapshot.copyCsv(
    selectCells(query, (column) => named(csvCell(column), column.name)),
    write,
  );

/** As {@link writeCsv}. */
const writeJsonLines: RowsWriter = (snapshot, query, write) =>
  snapshot.copyJson(
    selectCells(query, (column) => named(jsonCell(column), minorUnitName(column))),
    write,
  );

const writeXlsx: RowsWriter = (snapshot, query, write) => {
  const writer = xlsxWriter(query.columns, write);
  return writeCells(snapshot, selectCells(query, plainCell), query.columns.length, writer);
};

const writeParquet: RowsWriter = (snapshot, query, write) => {
  const columns = query.columns.map((column): FileColumn => ({ name: minorUnitName(column), kind: column.kind }));
  return writeCells(snapshot, selectCells(query, jsonCell), columns.length, parquetWriter(columns, write));
};

async function writeCells(snapshot: Snapshot, query: Sql, cellCount: number, writer: RowWriter): Promise<number> {
  const parser = new CopyTextParser(cellCount);
  const take: Take = (bytes) => writer.write(parser.rows(bytes));
  const count = await snapshot.copyText(query, take);
  parser.end();
  await writer.finish();
  return count;
}

const WRITERS: Readonly<Record<QueryFormat, RowsWriter>> = {
  csv: writeCsv,
  jsonl: writeJsonLines,
  xlsx: writeXlsx,
  parquet: writeParquet,
};

/**
 * Writes the rows of a report. The same rows give the same bytes.
 * @param format One of {@link QUERY_FORMATS}, or with `.gz` behind it.
 * @param write Takes each chunk before it returns.
 * @returns The number of rows.
 */
export async function writeRows(snapshot: Snapshot, query: ReportQuery, format: string, write: Write): Promise<number> {
  if (!format.endsWith(COMPRESSED)) return WRITERS[format as QueryFormat](snapshot, query, write);
  const gzip = new GzipWriter(write);
  const plain = format.slice(0, -COMPRESSED.length) as QueryFormat;
  const count = await WRITERS[plain](snapshot, query, (bytes) => gzip.write(bytes));
  gzip.finish();
  return count;
}

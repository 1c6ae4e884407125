import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { ReportFailed } from '../report-failed.js';
import { epochDay, epochMs } from './calendar-cells.js';
import { type CellRow, type FileColumn, integerCell, type RowWriter } from './row-writer.js';

/** A row group is gathered before it is written. 20,000 rows need 45 MB more for a file that is 2% smaller. */
const GROUP_ROWS = 10_000;
/** Ends a row group of long texts earlier. */
const GROUP_CHARACTERS = 16 * 1024 * 1024;

/** Not the version of this service: a new one writes the same bytes. */
const CREATED_BY = 'daybook version 1 (build 1)';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Digits that fit 64 bits whatever they are. */
const SAFE_DIGITS = 18;

type SchemaElement = ParquetWriter['schema'][number];
type Value = string | number | bigint | null;

/** A column as Parquet has it: its type, and how a cell becomes a value. */
interface ParquetColumn {
  readonly schema: Omit<SchemaElement, 'name' | 'repetition_type'>;
  readonly value: (cell: string, column: FileColumn) => Value;
}

const TEXT: ParquetColumn = {
  schema: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  value: (cell) => cell,
};
const INTEGER: ParquetColumn = { schema: { type: 'INT64' }, value: int64 };
const DATE: ParquetColumn = {
  schema: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  value: epochDay,
};
const TIME: ParquetColumn = {
  schema: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  value: (cell) => BigInt(epochMs(cell)),
};
const KINDS = { id: TEXT, text: TEXT, date: DATE, time: TIME, integer: INTEGER, money: INTEGER } as const;

/** @throws ReportFailed for a sum that is larger than a column of 64 bits. */
function int64(cell: string, column: FileColumn): bigint {
  const value = BigInt(integerCell(cell, column));
  if (cell.length > SAFE_DIGITS && (value < INT64_MIN || value > INT64_MAX)) {
    throw new ReportFailed(
      `Column ${column.name}: ${cell.slice(0, 100)} is larger than an integer of Parquet, which has 64 bits. Choose csv or jsonl.`,
    );
  }
  return value;
}

/**
 * Writes a Parquet file in row groups of 10,000 rows. Amounts arrive and are written as integers of minor units (INT64),
 * times as milliseconds in UTC. Every column may have no value.
 *
 * @param write Takes each chunk before it returns.
 */
export function parquetWriter(columns: readonly FileColumn[], write: (bytes: Buffer) => void): RowWriter {
  return new RowGroups(columns, write);
}

class RowGroups implements RowWriter {
  private readonly file: ParquetWriter;
  private readonly values: Value[][];
  private rowCount = 0;
  private characters = 0;

  constructor(
    private readonly columns: readonly FileColumn[],
    write: (bytes: Buffer) => void,
  ) {
    this.values = columns.map(() => []);
    const schema: SchemaElement[] = [
      { name: 'root', num_children: columns.length },
      ...columns.map(({ name, kind }) => ({ name, repetition_type: 'OPTIONAL' as const, ...KINDS[kind].schema })),
    ];
    this.file = new ParquetWriter({ writer: new PassingWriter(write), schema, createdBy: CREATED_BY });
  }

  write(rows: readonly CellRow[]): void {
    for (const row of rows) {
      for (let index = 0; index < this.columns.length; index++) {
        const cell = row[index] ?? null;
        const column = this.columns[index]!;
        this.values[index]!.push(cell === null ? null : KINDS[column.kind].value(cell, column));
        if (cell !== null) this.characters += cell.length;
      }
      this.rowCount++;
      if (this.rowCount === GROUP_ROWS || this.characters >= GROUP_CHARACTERS) this.endGroup();
    }
  }

  finish(): Promise<void> {
    this.endGroup();
    return Promise.resolve(this.file.finish());
  }

  private endGroup(): void {
    if (this.rowCount === 0) return;
    const columnData = this.columns.map(({ name, kind }, index) => {
      // The smallest and the largest text would stay in memory until the end, each with the chunk that it is part of.
      return { name, data: this.values[index]!, statistics: KINDS[kind] !== TEXT };
    });
    void this.file.write({ columnData, rowGroupSize: this.rowCount });
    for (const values of this.values) values.length = 0;
    this.rowCount = 0;
    this.characters = 0;
  }
}

/** Passes on the bytes of each row group and of the end of the file, and uses its memory again. */
class PassingWriter extends ByteWriter {
  constructor(private readonly take: (bytes: Buffer) => void) {
    super(64 * 1024);
  }

  flush(): void {
    if (this.index > 0) this.take(Buffer.from(this.buffer, 0, this.index));
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}

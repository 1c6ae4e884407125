import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type AsyncBuffer, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { seededRandom } from '../../platform/seeded-random.js';
import { parquetWriter } from './parquet.js';
import type { CellRow, FileColumn } from './row-writer.js';

const COLUMNS: readonly FileColumn[] = [
  { name: 'order_id', kind: 'id' },
  { name: 'note', kind: 'text' },
  { name: 'day', kind: 'date' },
  { name: 'effective_at', kind: 'time' },
  { name: 'number', kind: 'integer' },
  { name: 'total_cents', kind: 'money' },
];

/** Writes the batches, and returns the file. */
async function file(columns: readonly FileColumn[], batches: readonly CellRow[][]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = parquetWriter(columns, (bytes) => chunks.push(Buffer.from(bytes)));
  for (const rows of batches) await writer.write(rows);
  await writer.finish();
  return Buffer.concat(chunks);
}

const bufferOf = (bytes: Buffer): AsyncBuffer => {
  const { buffer } = new Uint8Array(bytes);
  return { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) };
};
const read = (bytes: Buffer) => parquetReadObjects({ file: bufferOf(bytes) });
const metadata = (bytes: Buffer) => parquetMetadata(new Uint8Array(bytes).buffer);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

function manyRows(count: number): CellRow[] {
  const below = seededRandom('parquet');
  return Array.from({ length: count }, (_, n) => [
    `order-${n}`,
    n % 7 === 0 ? null : `Zürich ${below(1_000)}`,
    '2026-01-31',
    `2026-01-31T23:59:${String(n % 60).padStart(2, '0')}.250Z`,
    String(n),
    n % 11 === 0 ? null : String(below(1_000_000) - 500_000),
  ]);
}

describe('parquetWriter', () => {
  it('writes each cell by the kind of its column, as a reader reads it', async () => {
    const rows = [
      ['A-1', '=1+1 "Zürich" 😀\n', '2026-01-31', '2026-01-31 23:59:59.123456+00', '42', '-123456', 'not written'],
      ['A-2', null, null, null, null, null],
      ['', '', '0001-01-01', '1969-12-31 23:59:59.999999+00', '-9223372036854775808', '9223372036854775807'],
    ];
    expect(await read(await file(COLUMNS, [rows]))).toEqual([
      {
        order_id: 'A-1',
        note: '=1+1 "Zürich" 😀\n',
        day: new Date('2026-01-31T00:00:00.000Z'),
        effective_at: new Date('2026-01-31T23:59:59.123Z'),
        number: 42n,
        total_cents: -123_456n,
      },
      { order_id: 'A-2', note: null, day: null, effective_at: null, number: null, total_cents: null },
      {
        order_id: '',
        note: '',
        day: new Date('0001-01-01T00:00:00.000Z'),
        effective_at: new Date('1969-12-31T23:59:59.999Z'),
        number: -9_223_372_036_854_775_808n,
        total_cents: 9_223_372_036_854_775_807n,
      },
    ]);
  });

  it('describes its columns with types that every reader knows', async () => {
    const { schema, created_by } = metadata(await file(COLUMNS, [manyRows(3)]));
    expect(created_by).toBe('daybook version 1 (build 1)');
    expect(
      schema.slice(1).map((column) => [column.name, column.type, column.logical_type?.type, column.repetition_type]),
    ).toEqual([
      ['order_id', 'BYTE_ARRAY', 'STRING', 'OPTIONAL'],
      ['note', 'BYTE_ARRAY', 'STRING', 'OPTIONAL'],
      ['day', 'INT32', 'DATE', 'OPTIONAL'],
      ['effective_at', 'INT64', 'TIMESTAMP', 'OPTIONAL'],
      ['number', 'INT64', undefined, 'OPTIONAL'],
      ['total_cents', 'INT64', undefined, 'OPTIONAL'],
    ]);
    expect(schema[4]!.logical_type).toEqual({ type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' });
  });

  it('writes row groups of 10,000 rows, and every row once and in order', async () => {
    const rows = manyRows(25_000);
    const bytes = await file(COLUMNS, [rows]);
    expect(metadata(bytes).row_groups.map(({ num_rows }) => num_rows)).toEqual([10_000n, 10_000n, 5_000n]);
    const found = (await read(bytes)).map(({ order_id, note, number, total_cents }) =>
      [order_id, note, number, total_cents].map((value) => (typeof value === 'bigint' ? String(value) : value)),
    );
    const expected = rows.map(([id, note, , , number, total]) => [id, note, number, total]);
    // A difference between 25,000 rows would take minutes to print.
    expect(JSON.stringify(found) === JSON.stringify(expected)).toBe(true);
  });

  it('ends a row group earlier when its texts are long', async () => {
    const rows = Array.from({ length: 25 }, (_, n) => [String(n).padEnd(1024 * 1024, 'x')]);
    const bytes = await file([{ name: 'note', kind: 'text' }], [rows]);
    expect(metadata(bytes).row_groups.map(({ num_rows }) => num_rows)).toEqual([16n, 9n]);
    expect((await read(bytes)).map(({ note }) => note as string)).toEqual(rows.flat());
  });

  it('writes a report without rows as its columns', async () => {
    const bytes = await file(COLUMNS, []);
    expect(await read(bytes)).toEqual([]);
    expect(metadata(bytes).schema).toHaveLength(7);
  });

  it('writes the same bytes for the same rows, however they are divided', async () => {
    const rows = manyRows(15_000);
    const batches = (size: number) =>
      Array.from({ length: Math.ceil(rows.length / size) }, (_, n) => rows.slice(n * size, (n + 1) * size));
    const files = [await file(COLUMNS, [rows])];
    for (const size of [611, 1]) files.push(await file(COLUMNS, batches(size)));
    expect(new Set(files.map(sha256)).size).toBe(1);
    expect(sha256(await file(COLUMNS, [rows.slice(1)]))).not.toBe(sha256(files[0]!));
  });

  it.each(['9223372036854775808', '-9223372036854775809', '123456789012345678901234567890'])(
    'refuses the sum %s, which has more than 64 bits',
    async (sum) => {
      const columns: FileColumn[] = [{ name: 'total_cents', kind: 'money' }];
      await expect(file(columns, [[[sum]]])).rejects.toThrow(
        `Column total_cents: ${sum} is larger than an integer of Parquet, which has 64 bits. Choose csv or jsonl.`,
      );
    },
  );

  it.each([
    [['A', 'x', 'infinity', null, '1', '1'], 'infinity is not a date'],
    [['A', 'x', null, '-infinity', '1', '1'], '-infinity is not a time'],
    [['A', 'x', null, null, '1', '1.5'], 'Column total_cents: 1.5 is not an integer'],
  ])('refuses the row %j', async (row, message) => {
    await expect(file(COLUMNS, [[row]])).rejects.toThrow(message);
  });

  it('fails with the error of the file', async () => {
    const writer = parquetWriter(COLUMNS, () => {
      throw new Error('over the quota');
    });
    expect(() => writer.write(manyRows(10_000))).toThrow('over the quota');
  });
});

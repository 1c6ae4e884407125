import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import ExcelJS from 'exceljs';
import type { CellRow, FileColumn } from './row-writer.js';
import { xlsxWriter } from './xlsx.js';

const COLUMNS: readonly FileColumn[] = [{ name: 'number', kind: 'integer' }];
const BATCH = 10_000;

/** Writes a workbook with the numbers from 1 to a last one. */
async function numbers(last: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = xlsxWriter(COLUMNS, (bytes) => chunks.push(Buffer.from(bytes)));
  for (let from = 1; from <= last; from += BATCH) {
    const count = Math.min(BATCH, last - from + 1);
    await writer.write(Array.from({ length: count }, (_, n): CellRow => [String(from + n)]));
  }
  await writer.finish();
  return Buffer.concat(chunks);
}

/** Returns the name, the row count, and the first and last two cells of each sheet. */
async function sheetsOf(bytes: Buffer): Promise<unknown[]> {
  const sheets: unknown[] = [];
  const reader = new ExcelJS.stream.xlsx.WorkbookReader(Readable.from([bytes]), { worksheets: 'emit' });
  for await (const worksheet of reader) {
    let cells: unknown[] = [];
    let rowCount = 0;
    for await (const row of worksheet) {
      rowCount++;
      cells = rowCount <= 4 ? [...cells, row.getCell(1).value] : [cells[0], cells[1], cells[3], row.getCell(1).value];
    }
    sheets.push({ name: (worksheet as unknown as { name: string }).name, rowCount, cells });
  }
  return sheets;
}

describe('xlsxWriter', () => {
  it.each([
    [1_048_575, [{ name: 'Sheet1', rowCount: 1_048_576, cells: ['number', 1, 1_048_574, 1_048_575] }]],
    [
      1_048_577,
      [
        { name: 'Sheet1', rowCount: 1_048_576, cells: ['number', 1, 1_048_574, 1_048_575] },
        { name: 'Sheet2', rowCount: 3, cells: ['number', 1_048_576, 1_048_577] },
      ],
    ],
  ])(
    'writes %d rows into sheets of at most 1,048,576, each under the header',
    async (rows, sheets) => {
      expect(await sheetsOf(await numbers(rows))).toEqual(sheets);
    },
    300_000,
  );
});

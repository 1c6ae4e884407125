import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import ExcelJS from 'exceljs';
import fc from 'fast-check';
import { seededRandom } from '../../platform/seeded-random.js';
import type { CellRow, FileColumn } from './row-writer.js';
import { type XlsxOptions, xlsxWriter } from './xlsx.js';

const COLUMNS: readonly FileColumn[] = [
  { name: 'order_id', kind: 'id' },
  { name: 'note', kind: 'text' },
  { name: 'day', kind: 'date' },
  { name: 'effective_at', kind: 'time' },
  { name: 'number', kind: 'integer' },
  { name: 'total', kind: 'money' },
  { name: 'currency', kind: 'id' },
];
const CURRENCY = { currencyColumn: 6 };

/** Writes the batches, and returns the file. */
async function file(
  columns: readonly FileColumn[],
  batches: readonly CellRow[][],
  options?: XlsxOptions,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = xlsxWriter(columns, (bytes) => chunks.push(Buffer.from(bytes)), options);
  for (const rows of batches) await writer.write(rows);
  await writer.finish();
  return Buffer.concat(chunks);
}

async function sheetOf(bytes: Buffer): Promise<ExcelJS.Worksheet> {
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(new Uint8Array(bytes).buffer);
  return workbook.worksheets[0]!;
}

async function sheet(
  columns: readonly FileColumn[],
  rows: CellRow[],
  options?: XlsxOptions,
): Promise<ExcelJS.Worksheet> {
  return sheetOf(await file(columns, [rows], options));
}

/** Decodes a text as spreadsheets do (ECMA-376, 22.9.2.19). exceljs does not decode inline texts. */
function decoded(text: string): string {
  const code = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, code);
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

function manyRows(count: number): CellRow[] {
  const below = seededRandom('xlsx');
  return Array.from({ length: count }, (_, n) => [
    `order-${n}`,
    n % 7 === 0 ? null : `Zürich ${below(1_000)}`,
    '2026-01-31',
    `2026-01-31T23:59:${String(n % 60).padStart(2, '0')}.250Z`,
    String(n),
    String(below(1_000_000) - 500_000),
    n % 5 === 0 ? 'JPY' : 'USD',
  ]);
}

describe('xlsxWriter', () => {
  it('writes each cell by the kind of its column, as another reader reads it', async () => {
    const rows = [
      ['A-1', 'Zürich 😀', '2026-01-31', '2026-01-31 23:59:59.123456+00', '42', '-123456', 'USD'],
      ['A-2', null, null, null, null, null, null],
      ['00123', '', '1900-03-01', '1999-12-31T22:30:00.001-01:30', '-7', '5', 'KWD'],
    ];
    const read = await sheet(COLUMNS, rows, CURRENCY);
    expect(read.rowCount).toBe(4);
    expect(read.getRow(1).values).toEqual([undefined, ...COLUMNS.map(({ name }) => name)]);
    expect(read.getRow(2).values).toEqual([
      undefined,
      'A-1',
      'Zürich 😀',
      new Date('2026-01-31T00:00:00.000Z'),
      new Date('2026-01-31T23:59:59.123Z'),
      42,
      -1234.56,
      'USD',
    ]);
    expect(read.getRow(3).values).toEqual([undefined, 'A-2']);
    const [id, , day, time, number, total] = (read.getRow(4).values as unknown[]).slice(1);
    expect([id, day, time, number, total]).toEqual([
      '00123',
      new Date('1900-03-01T00:00:00.000Z'),
      new Date('2000-01-01T00:00:00.001Z'),
      -7,
      0.005,
    ]);
  });

  it('shows dates and times as ISO 8601, and names in bold that stay in view', async () => {
    const read = await sheet(COLUMNS, manyRows(3), CURRENCY);
    expect(read.getCell('C2').numFmt).toBe('yyyy-mm-dd');
    expect(read.getCell('D2').numFmt).toBe('yyyy-mm-dd"T"hh:mm:ss.000"Z"');
    expect(read.getCell('E2').numFmt).toBe('0');
    expect(read.getCell('A1').font.bold).toBe(true);
    expect(read.getCell('A2').font?.bold).toBeFalsy();
    expect(read.views[0]).toMatchObject({ state: 'frozen', ySplit: 1 });
  });

  it.each([
    ['USD', '-5', -0.05, '#,##0.00'],
    ['JPY', '1234', 1234, '#,##0'],
    ['KWD', '1234', 1.234, '#,##0.000'],
    ['CLF', '-1', -0.0001, '#,##0.0000'],
    ['USD', '9007199254740', 90_071_992_547.4, '#,##0.00'],
    ['USD', '123456789012345', 1_234_567_890_123.45, '#,##0.00'],
  ])('writes amounts in %s with their decimals: %s', async (currency, minor, value, format) => {
    const columns: FileColumn[] = [{ name: 'total', kind: 'money' }];
    // The currency is behind the columns of the file.
    const read = await sheet(columns, [[minor, currency]], { currencyColumn: 1 });
    expect(read.getCell('A2').value).toBe(value);
    expect(read.getCell('A2').numFmt).toBe(format);
    expect(read.columnCount).toBe(1);
  });

  it.each([
    ['-1234.56', -1234.56, '#,##0.00'],
    ['1234', 1234, '#,##0'],
    ['1.234', 1.234, '#,##0.000'],
    ['0.0001', 0.0001, '#,##0.0000'],
  ])('takes the decimal amount %s as it is', async (cell, value, format) => {
    const read = await sheet([{ name: 'total', kind: 'money' }], [[cell]]);
    expect(read.getCell('A2').value).toBe(value);
    expect(read.getCell('A2').numFmt).toBe(format);
  });

  it('writes numbers of more than 15 digits as texts, to the cent', async () => {
    const columns: FileColumn[] = [
      { name: 'number', kind: 'integer' },
      { name: 'total', kind: 'money' },
    ];
    const rows = [
      ['999999999999999', '9999999999999.99'],
      ['9007199254740993', '99999999999999.99'],
      ['-92233720368547758080', '-92233720368547758.08'],
    ];
    const read = await sheet(columns, rows);
    expect(rows.map((_, index) => (read.getRow(index + 2).values as unknown[]).slice(1))).toEqual([
      [999_999_999_999_999, 9_999_999_999_999.99],
      ...rows.slice(1),
    ]);
  });

  it('writes dates before March 1900 as texts, because spreadsheets count those days differently', async () => {
    const read = await sheet(COLUMNS, [['A', 'x', '1900-02-28', '1899-12-31 23:00:00+00', '1', '1', 'USD']], CURRENCY);
    expect(read.getCell('C2').value).toBe('1900-02-28');
    expect(read.getCell('D2').value).toBe('1899-12-31T23:00:00.000Z');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '=HYPERLINK("http://evil","x")', '\t=1+1'])(
    'writes %j as a text and never as a formula',
    async (text) => {
      const bytes = await file([{ name: 'note', kind: 'text' }], [[[text]]]);
      const cell = (await sheetOf(bytes)).getCell('A2');
      expect(cell.type).toBe(ExcelJS.ValueType.String);
      expect(cell.formula).toBeUndefined();
      expect(cell.value).toBe(text);
    },
  );

  it('writes every text so that a spreadsheet reads the same text', async () => {
    const parts = [
      '_',
      '_x',
      'x',
      '0041',
      '005F_',
      '_x0041_',
      '\u0001',
      '\u001f',
      '\uffff',
      '\r',
      '\n',
      '\t',
      ' ',
      '&',
      '<',
    ];
    const text = fc.string({ unit: fc.constantFrom(...parts, ']]>', '"', "'", 'é', '😀', 'a'), maxLength: 10 });
    const texts = fc.sample(text, { numRuns: 2_000, seed: 7 });
    const read = await sheet(
      [{ name: 'note', kind: 'text' }],
      texts.map((sample) => [sample]),
    );
    expect(texts.map((_, index) => decoded(read.getCell(index + 2, 1).text))).toEqual(texts);
  });

  it('cuts a text that is longer than a cell may be, and says so', async () => {
    const fits = 'é'.repeat(32_767);
    const read = await sheet([{ name: 'note', kind: 'text' }], [[fits], [`${fits}!`], ['😀'.repeat(20_000)]]);
    expect(read.getCell('A2').value).toBe(fits);
    const [cut, pairs] = [read.getCell('A3').text, read.getCell('A4').text];
    expect(cut).toMatch(/^é+… \[cut: the text is longer than a cell of a workbook\]$/);
    expect(cut.length).toBe(32_767);
    expect(pairs).toMatch(/^(?:😀)+… \[cut/u);
    expect(pairs.length).toBeLessThanOrEqual(32_767);
  });

  it('writes a report without rows as its names', async () => {
    const read = await sheetOf(await file(COLUMNS, []));
    expect(read.rowCount).toBe(1);
    expect(read.getCell('G1').value).toBe('currency');
  });

  it('names columns beyond Z', async () => {
    const columns = Array.from({ length: 60 }, (_, n): FileColumn => ({ name: `c${n}`, kind: 'integer' }));
    const read = await sheet(columns, [columns.map((_, n) => String(n))]);
    expect([read.getCell('Z2').value, read.getCell('AA2').value, read.getCell('BH2').value]).toEqual([25, 26, 59]);
  });

  it('writes the same bytes for the same rows, however they are divided', async () => {
    const rows = manyRows(20_000);
    const batches = (size: number) =>
      Array.from({ length: Math.ceil(rows.length / size) }, (_, n) => rows.slice(n * size, (n + 1) * size));
    const files = [await file(COLUMNS, [rows], CURRENCY)];
    for (const size of [611, 1]) files.push(await file(COLUMNS, batches(size), CURRENCY));
    expect(new Set(files.map(sha256)).size).toBe(1);
    // The time of the first file in the zip: noon of 1980-01-01, in every time zone.
    expect(files[0]!.subarray(10, 14).toString('hex')).toBe('00602100');
    expect(sha256(await file(COLUMNS, [rows.slice(1)], CURRENCY))).not.toBe(sha256(files[0]!));
  });

  it('passes bytes on while rows come, so that it keeps a fixed amount', async () => {
    let written = 0;
    const writer = xlsxWriter(COLUMNS, (bytes) => (written += bytes.length), CURRENCY);
    const rows = manyRows(5_000);
    for (let count = 0; count < 10; count++) await writer.write(rows);
    const before = written;
    expect(before).toBeGreaterThan(0);
    await writer.finish();
    // At most what the streams hold: the rest was written before.
    expect(written - before).toBeLessThan(before);
  });

  it.each([0, 100_000])('fails with the error of the file after %d bytes', async (bytesUntil) => {
    let written = 0;
    const writer = xlsxWriter(
      COLUMNS,
      (bytes) => {
        written += bytes.length;
        if (written > bytesUntil) throw new Error('over the quota');
      },
      CURRENCY,
    );
    const rows = manyRows(5_000);
    const all = async () => {
      for (let count = 0; count < 10; count++) await writer.write(rows);
      await writer.finish();
    };
    await expect(all()).rejects.toThrow('over the quota');
  });

  it.each([
    [['A', 'x', '2026-01-31', null, 'NaN', '1', 'USD'], 'Column number: NaN is not an integer'],
    [['A', 'x', '2026-01-31', null, '1', '1.5', 'USD'], 'Column total: 1.5 is not an integer'],
    [['A', 'x', '2026-01-31', null, '1', '1', null], 'Column total: the row has no currency'],
    [['A', 'x', 'infinity', null, '1', '1', 'USD'], 'infinity is not a date'],
    [['A', 'x', null, 'infinity', '1', '1', 'USD'], 'infinity is not a time'],
  ])('refuses the row %j', async (row, message) => {
    await expect(file(COLUMNS, [[row]], CURRENCY)).rejects.toThrow(message);
  });

  it('refuses an amount that is no decimal number', async () => {
    await expect(file([{ name: 'total', kind: 'money' }], [[['1e5']]])).rejects.toThrow(
      'Column total: 1e5 is not an amount',
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { parseCsv } from '../../../test/reports/rfc4180.js';
import { seededRandom } from '../../platform/seeded-random.js';
import { type Column, date, id, integer, money, type Row, text } from './columns.js';
import { csvHead, csvMoney, csvText, CsvWriter } from './csv.js';

/** Writes the rows, and returns the bytes as text. */
function written<const Columns extends readonly Column[]>(columns: Columns, rows: Row<Columns>[]): string {
  const chunks: Buffer[] = [];
  const writer = new CsvWriter(columns, (chunk) => chunks.push(Buffer.from(chunk)));
  for (const row of rows) writer.row(row);
  writer.flush();
  return Buffer.concat(chunks).toString();
}

describe('csvText', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['two\nlines', '"two\nlines"'],
    ['Zürich €', 'Zürich €'],
  ])('writes %j as %j', (value, cell) => {
    expect(csvText(value)).toBe(cell);
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])('disarms the formula %j with an apostrophe', (value) => {
    expect(parseCsv(`${csvText(value)}\r\n`)).toEqual([[`'${value}`]]);
  });

  it('quotes a formula that also needs quotes after disarming it', () => {
    expect(csvText('=HYPERLINK("http://evil")')).toBe(`"'=HYPERLINK(""http://evil"")"`);
  });

  it('leaves a formula character alone unless it is the first', () => {
    expect(csvText('a=b')).toBe('a=b');
  });
});

describe('csvMoney', () => {
  it.each([
    [0, '0.00'],
    [5, '0.05'],
    [123_456, '1234.56'],
    [-500, '-5.00'],
    [5_000_000_000_001, '50000000000.01'],
  ])('writes %d cents as %s, with no apostrophe', (cents, cell) => {
    expect(csvMoney(cents)).toBe(cell);
  });
});

describe('CsvWriter', () => {
  it('writes each cell by the kind of its column', () => {
    const columns = [id('Id'), date('Day'), text('Text'), integer('Count'), money('Amount')] as const;
    expect(written(columns, [['N-1', '2026-01-01', '=1, or "€"', 3, -5]])).toBe(
      `N-1,2026-01-01,"'=1, or ""€""",3,-0.05\r\n`,
    );
  });

  it.each([
    ['short texts, past a chunk', Array.from({ length: 20_000 }, (_, n) => `Zürich ${n % 3_000}`)],
    ['texts of all sizes', [1, 60, 70, 1_023, 1_024, 1_025, 65_535, 65_536, 200_000].map((size) => 'é'.repeat(size))],
  ])('writes %s in full and in order', (_, texts) => {
    const rows = texts.map((value) => [value, value] as const);
    const expected = texts.map((value) => `${value},${value}\r\n`).join('');
    expect(written([text('A'), text('B')], rows) === expected).toBe(true);
    // An identifier that is not ASCII breaks the rule of its column, and must still not break the file.
    expect(written([id('A'), id('B')], rows) === expected).toBe(true);
  });

  it('writes any text so that a strict parser reads the same text', () => {
    const below = seededRandom('csv');
    const alphabet = ['a', 'é', '😀', ' ', '"', ',', '\r', '\n', ';', "'", '#'];
    for (let sample = 0; sample < 500; sample++) {
      const texts = Array.from({ length: 1 + below(4) }, () =>
        // The first character is one that the formula guard leaves alone.
        ['x', ...Array.from({ length: below(8) }, () => alphabet[below(alphabet.length)])].join(''),
      );
      const columns = texts.map(() => text('Text'));
      expect(parseCsv(written(columns, [texts]))).toEqual([texts]);
    }
  });
});

describe('csvHead', () => {
  it('writes # lines before the column names', () => {
    expect(csvHead({ Report: 'Q1', Rows: 2 }, [id('Id'), text('Net, total')])).toBe(
      '# Report: Q1\r\n# Rows: 2\r\nId,"Net, total"\r\n',
    );
  });

  it.each(['a\r\n=1+1', 'a\n=1+1', 'a\u2028=1+1', 'a,=1+1', 'a;=1+1', 'a\t=1+1', 'a"=1+1'])(
    'keeps %j from ending the line and from opening a cell',
    (value) => {
      expect(csvHead({ Report: value }, [id('Id')])).toBe('# Report: a =1+1\r\nId\r\n');
    },
  );
});

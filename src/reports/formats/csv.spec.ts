import { describe, expect, it } from '@jest/globals';
import { parseCsv } from '../../../test/reports/rfc4180.js';
import { seededRandom } from '../types/transactions/seeded-random.js';
import { csvHead, csvLastMoney, csvMoney, csvRecord, csvText } from './csv.js';

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

  it('leaves a formula character alone that is not the first', () => {
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

  it.each([0, 5, 99, 100, 123_456, 5_000_000_00])('writes %d cents at the end of a record all the same', (cents) => {
    expect(csvLastMoney(cents)).toBe(csvRecord([csvMoney(cents)]));
  });
});

describe('csvRecord', () => {
  it('gives back through a strict parser whatever text was put in', () => {
    const below = seededRandom('csv');
    const alphabet = ['a', 'é', '😀', ' ', '"', ',', '\r', '\n', ';', "'", '#'];
    for (let sample = 0; sample < 500; sample++) {
      const texts = Array.from({ length: 1 + below(4) }, () =>
        // The first character is one that the formula guard leaves alone.
        ['x', ...Array.from({ length: below(8) }, () => alphabet[below(alphabet.length)])].join(''),
      );
      expect(parseCsv(csvRecord(texts.map(csvText)))).toEqual([texts]);
    }
  });
});

describe('csvHead', () => {
  it('puts the summary in # lines before the column names', () => {
    expect(csvHead({ Report: 'Q1', Rows: 2 }, ['Id', 'Net, total'])).toBe(
      '# Report: Q1\r\n# Rows: 2\r\nId,"Net, total"\r\n',
    );
  });

  it.each(['a\r\n=1+1', 'a\n=1+1', 'a\u2028=1+1', 'a,=1+1', 'a;=1+1', 'a\t=1+1', 'a"=1+1'])(
    'lets %j neither end the line nor open a cell',
    (value) => {
      expect(csvHead({ Report: value }, ['Id'])).toBe('# Report: a =1+1\r\nId\r\n');
    },
  );
});

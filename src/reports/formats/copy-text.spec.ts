import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CopyTextParser } from './copy-text.js';
import type { CellRow } from './row-writer.js';

const ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** Encodes rows as Postgres does (`CopyAttributeOutText`). */
function encoded(rows: readonly CellRow[]): Buffer {
  const cell = (value: string | null) => value?.replace(/[\\\b\f\n\r\t\v]/g, (c) => ESCAPES[c]!) ?? '\\N';
  return Buffer.from(rows.map((row) => `${row.map(cell).join('\t')}\n`).join(''));
}

/** Parses chunks, each in a buffer that is overwritten afterwards. */
function parsed(chunks: readonly Buffer[], cellCount: number): CellRow[] {
  const parser = new CopyTextParser(cellCount);
  const rows = chunks.flatMap((chunk) => {
    const passing = Buffer.from(chunk);
    const complete = parser.rows(passing);
    passing.fill('x');
    return complete;
  });
  parser.end();
  return rows;
}

const character = fc.oneof(
  fc.constantFrom('\\', 'N', '\t', '\n', '\r', '\b', '\f', '\v', 'n', 't', '.', 'x', '0', 'é', '€', '😀', '\u2028'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).filter((text) => !text.includes('\0')),
);
const cell = fc.option(fc.string({ unit: character, maxLength: 12 }), { freq: 4 });

describe('CopyTextParser', () => {
  it('reads every row that Postgres writes, wherever the chunks are cut', () => {
    const samples = fc.integer({ min: 1, max: 9 }).chain((cellCount) =>
      fc.record({
        cellCount: fc.constant(cellCount),
        rows: fc.array(fc.array(cell, { minLength: cellCount, maxLength: cellCount }), { maxLength: 20 }),
        cuts: fc.array(fc.nat(), { maxLength: 40 }),
      }),
    );
    fc.assert(
      fc.property(samples, ({ cellCount, rows, cuts }) => {
        const bytes = encoded(rows);
        const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        expect(parsed(chunks, cellCount)).toEqual(rows);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads rows byte by byte', () => {
    const rows = [
      ['1', null, 'a\tb\\N', ''],
      ['\\N', 'Zürich 😀', '\n', '\\'],
    ];
    const bytes = [...encoded(rows)].map((byte) => Buffer.from([byte]));
    expect(parsed(bytes, 4)).toEqual(rows);
  });

  it('distinguishes no value from an empty text and from the text \\N', () => {
    expect(parsed([Buffer.from('\\N\t\t\\\\N\n')], 3)).toEqual([[null, '', '\\N']]);
  });

  it('reads nothing from nothing', () => {
    expect(parsed([], 3)).toEqual([]);
  });

  it('fails if the output ends within a row', () => {
    const parser = new CopyTextParser(2);
    expect(parser.rows(Buffer.from('1\t2\n3\t'))).toEqual([['1', '2']]);
    expect(() => parser.end()).toThrow('The output of COPY ends within a row');
  });

  it('fails for a row with another number of cells', () => {
    expect(() => new CopyTextParser(2).rows(Buffer.from('1\t2\t3\n'))).toThrow('has 3 cells instead of 2');
  });

  it('fails for a row beyond 64 MiB instead of keeping it', () => {
    const parser = new CopyTextParser(1);
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let count = 0; count < 64; count++) parser.rows(chunk);
    expect(() => parser.rows(chunk)).toThrow('A row of the report is larger than 64 MiB');
  });
});

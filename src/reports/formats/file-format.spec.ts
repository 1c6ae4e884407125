import { describe, expect, it } from '@jest/globals';
import { extensionOf, FILE_NAME_END, mediaTypeOf } from './file-format.js';

const ID = '019b7a10-5c00-7000-8000-000000000000';

describe('mediaTypeOf', () => {
  it.each([
    ['csv', 'text/csv; charset=utf-8'],
    ['jsonl', 'application/jsonl; charset=utf-8'],
    ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    ['parquet', 'application/vnd.apache.parquet'],
    ['csv.gz', 'application/gzip'],
    ['parquet.gz', 'application/gzip'],
    ['constructor', 'application/octet-stream'],
  ])('of a .%s file is %s', (extension, mediaType) => {
    expect(mediaTypeOf(`journal_${ID}.${extension}`)).toBe(mediaType);
  });
});

describe('extensionOf', () => {
  it('ends in .gz for a compressed file', () => {
    expect([extensionOf('csv', false), extensionOf('jsonl', true)]).toEqual(['csv', 'jsonl.gz']);
  });
});

describe('FILE_NAME_END', () => {
  it.each(['csv', 'xlsx', 'csv.gz'])('finds the id before .%s', (extension) => {
    expect(FILE_NAME_END.exec(`Q1.final_${ID}.${extension}`)?.[1]).toBe(ID);
  });

  it.each(['', '.', '.csv.exe', '.csv.gz.gz', '.csv/..'])('finds no id before %j', (end) => {
    expect(FILE_NAME_END.exec(`Q1_${ID}${end}`)).toBeNull();
  });
});

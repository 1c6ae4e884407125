import { describe, expect, it } from 'vitest';
import { contentTypeOf, estimateLines, firstErrors } from './upload-file';

describe('the import of a file', () => {
  it.each([
    ['orders.CSV', 'text/csv'],
    ['orders.ndjson', 'application/x-ndjson'],
    ['orders.jsonl', 'application/x-ndjson'],
    ['orders.xlsx', null],
    ['csv', null],
  ])('sends %s as %s', (name, type) => {
    expect(contentTypeOf(name)).toBe(type);
  });

  it('reads the first errors of a report', () => {
    const csv =
      'row,external_ref,field,message\r\n3,B,quantity,"Too small: ""1"", at least\n2"\r\n4,"C,D",sku,is required\r\n5,E,,x\r\n';
    expect(firstErrors(csv, 2)).toEqual([
      { row: '3', external_ref: 'B', field: 'quantity', message: 'Too small: "1", at least\n2' },
      { row: '4', external_ref: 'C,D', field: 'sku', message: 'is required' },
    ]);
    expect(firstErrors(csv, 10)).toHaveLength(3);
    expect(firstErrors('row,external_ref,field,message\n', 10)).toEqual([]);
  });

  it('estimates the lines of a file from its beginning', async () => {
    expect(await estimateLines(new Blob(['a,b\n'.repeat(100_000)]))).toBe(100_000);
    expect(await estimateLines(new Blob(['a,b\n1,2\n']))).toBe(2);
    expect(await estimateLines(new Blob([]))).toBe(1);
  });
});

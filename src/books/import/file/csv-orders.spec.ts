import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidInput } from '../../../http/validation.js';
import { CsvOrders } from './csv-orders.js';
import { CsvRecords } from './csv-records.js';
import type { ImportedOrder } from './import-row.js';
import { LineSplitter } from './lines.js';
import { NdjsonOrders } from './ndjson-orders.js';

const HEADER =
  'external_ref,customer_email,customer_name,currency,placed_at,status,paid_at,sku,quantity,unit_price_cents';
const line = (ref: string, rest = 'A-1,2,1250', email = 'a@acme.example'): string => `${ref},${email},,,,,,${rest}`;

function parsed(text: string | Buffer, chunk = 7): ImportedOrder[] {
  const parser = new CsvOrders();
  const bytes = Buffer.from(text);
  const orders: ImportedOrder[] = [];
  for (let at = 0; at < bytes.length; at += chunk) orders.push(...parser.push(bytes.subarray(at, at + chunk)));
  return [...orders, ...parser.end()];
}
const file = (...lines: string[]): string => [HEADER, ...lines, ''].join('\r\n');
const errorsOf = (...lines: string[]) =>
  parsed(file(...lines)).flatMap(({ errors }) =>
    errors.map(({ row, field, message }) => `${row} ${field}: ${message}`),
  );
const refsOf = (orders: ImportedOrder[]) => orders.map(({ order }) => order?.external_ref ?? null);

describe('records', () => {
  it('are read as they were written, in any chunks', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'é', ' x', '💩'), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (rows, size) => {
          const text = rows
            .map((cells) => `${cells.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')}\r\n`)
            .join('');
          const [lines, records, bytes] = [new LineSplitter(1_000), new CsvRecords(), Buffer.from(text)];
          const read = [];
          for (let at = 0; at < bytes.length; at += size)
            read.push(...records.push(lines.push(bytes.subarray(at, at + size))));
          read.push(...records.push(lines.end()), ...records.end());
          expect(read.map(({ cells, problem }) => ({ cells, problem }))).toEqual(
            rows.map((cells) => ({ cells: cells.map((one) => one.trim()), problem: null })),
          );
        },
      ),
    );
  });
});

describe('a file', () => {
  it('of orders with several items has an order for consecutive lines, with its first line', () => {
    const orders = parsed(file(line('1'), line('1', 'B,1,5'), line('2'), '', line('3')));
    expect(orders.map(({ row, rows, order }) => [row, rows, order?.external_ref, order?.items.length])).toEqual([
      [2, 2, '1', 2],
      [4, 1, '2', 1],
      [6, 1, '3', 1],
    ]);
    expect(orders[0]!.order!.items[1]).toEqual({ sku: 'B', quantity: 1, unit_price_cents: 5 });
  });

  it('may have a byte order mark, LF, quotes, columns in another order, and no line break at its end', () => {
    const text =
      '\ufeffsku,"QUANTITY", unit_price_cents ,external_ref,customer_email\n"a ""b"", c",1,"5",r,A@b.example';
    expect(parsed(text)[0]!.order).toMatchObject({
      external_ref: 'r',
      customer_email: 'A@b.example',
      items: [{ sku: 'a "b", c', quantity: 1, unit_price_cents: 5 }],
    });
  });

  it.each([
    ['', 'header: is missing'],
    ['external_ref,sku\n', 'header: must have the column customer_email'],
    [`${HEADER},colour\n`, 'header: has the unknown column "colour"'],
    [`${HEADER},sku\n`, 'header: must have the column "sku" only once'],
    ['x'.repeat(20_000), 'header: is longer than 16384 bytes'],
  ])('is refused with the header %j', (text, message) => {
    const refuse = () => {
      try {
        parsed(text, 1_000);
      } catch (error) {
        return (error as InvalidInput).issues.map((issue) => `${issue.path}: ${issue.message}`).join('\n');
      }
      return 'accepted';
    };
    expect(refuse()).toContain(message);
  });
});

describe('errors name the line and the field:', () => {
  it.each([
    [line(''), '2 external_ref: is required'],
    [line('1', 'A,1.5,1'), '2 quantity: must be a whole number'],
    [line('1', 'A,0,1'), '2 quantity: Too small'],
    [line('1', 'A,,1'), '2 quantity: is required'],
    [line('1', 'A,1,12.50'), '2 unit_price_cents: must be a whole number'],
    [line('1', 'A,1,-1'), '2 unit_price_cents: Too small'],
    [line('1', ',1,1'), '2 sku: is required'],
    [line('1', 'A,1,1', 'nobody'), '2 customer_email: Invalid email'],
    [line('1', 'A,1,1', ''), '2 customer_email: is required'],
    [line('1', 'A,1'), '2 : has 9 cells, but the header has 10'],
    [`1,a@b.example,"A\nB",,,,,A,1,1`, '2 customer_name: must not have control characters'],
    [`1,a@b.example,,usd,,,,A,1,1`, '2 currency: must be a currency'],
    [`1,a@b.example,,,yesterday,,,A,1,1`, '2 placed_at: must be a date and time'],
    [`1,a@b.example,,,,lost,,A,1,1`, '2 status: Invalid option'],
    [`1,a@b.example,,,,,2026-01-01T00:00:00Z,A,1,1`, '2 paid_at: must be empty for a draft'],
    [`1,a@b.example,a"b,,,,,A,1,1`, '2 : has a quote that is not closed'],
    [line(`1${'x'.repeat(20_000)}`), '2 : is longer than 16384 bytes'],
  ])('%.40s', (bad, message) => {
    const orders = parsed(file(bad, line('good')), 1_000);
    expect(
      orders.flatMap(({ errors }) => errors.map(({ row, field, message: text }) => `${row} ${field}: ${text}`)),
    ).toEqual([expect.stringContaining(message)]);
    expect(refsOf(orders)).toEqual([null, 'good']);
  });

  it('fields that differ within an order, and each bad item', () => {
    expect(errorsOf(line('1'), line('1', 'B,x,1', 'other@b.example'), line('1', 'C,1,y'))).toEqual([
      '3 customer_email: differs from line 2 of the same order',
      '3 quantity: must be a whole number',
      '4 unit_price_cents: must be a whole number',
    ]);
  });

  it('bytes that are not UTF-8', () => {
    const bytes = Buffer.from(file(line('1'), line('caf\xe9'), line('3')), 'latin1');
    const orders = parsed(bytes);
    expect(refsOf(orders)).toEqual(['1', null, '3']);
    expect(orders[1]!.errors[0]).toMatchObject({ row: 3, field: '', message: 'is not UTF-8' });
  });

  it('a quote that is never closed, without losing the lines behind it', () => {
    const orders = parsed(file('1,"a@b.example,,,,,,A,1,1', ...Array.from({ length: 100 }, (_, n) => line(`r${n}`))));
    expect(orders[0]!.errors[0]).toMatchObject({ row: 2, message: expect.stringContaining('quote') });
    expect(refsOf(orders).slice(1)).toEqual(Array.from({ length: 100 }, (_, n) => `r${n}`));
  });

  it('an order with a line in it that cannot be read: it is not imported without that line', () => {
    const orders = parsed(file(line('1'), '"x', line('1', 'B,1,1'), line('2'), line('2', 'A,1'), line('3')));
    expect(refsOf(orders)).toEqual([null, null, null, '3']);
    expect(orders.flatMap(({ errors }) => errors.map(({ row }) => row))).toEqual([3, 4, 6]);
  });

  it('more items than an order may have', () => {
    expect(errorsOf(...Array.from({ length: 1_500 }, () => line('1')))).toEqual([
      expect.stringMatching(/^2 items: .*1000/),
    ]);
  });
});

describe('NDJSON', () => {
  const read = (text: string): ImportedOrder[] => {
    const parser = new NdjsonOrders();
    return [...parser.push(Buffer.from(text)), ...parser.end()];
  };
  const order = (more: object) =>
    JSON.stringify({
      external_ref: 'r',
      customer_email: 'a@b.example',
      items: [{ sku: 'A', quantity: 1, unit_price_cents: 1 }],
      ...more,
    });

  it('has an order a line', () => {
    expect(refsOf(read(`\ufeff${order({ external_ref: '1' })}\r\n\n${order({ external_ref: '2' })}`))).toEqual([
      '1',
      '2',
    ]);
  });

  it.each([
    ['{', ': is not valid JSON'],
    ['[]', ': Invalid input: expected object, received array'],
    ['null', ': Invalid input: expected object, received null'],
    [order({ external_ref: undefined }), 'external_ref: is required'],
    [order({ customer_id: '019aa000-0000-7000-8000-000000000001' }), 'customer_id: must not come with customer_email'],
    [order({ items: [{ sku: 'A', quantity: 1, unit_price_cents: 0.5 }] }), 'items.0.unit_price_cents: Invalid input'],
    [order({ total_cents: 1 }), ': Unrecognized key: "total_cents"'],
    [order({ external_ref: 'a\u0000' }), 'external_ref: must not contain NUL characters'],
    [`{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'must not be nested'],
    [order({ external_ref: 'x'.repeat(300_000) }), ': is longer than 262144 bytes'],
    [
      order({ status: 'cancelled', paid_at: '2026-01-02T00:00:00Z', cancelled_at: '2026-01-01T00:00:00Z' }),
      'cancelled_at: must not be before',
    ],
  ])('%.40s is an error', (bad, message) => {
    const orders = read(`${bad}\n${order({ external_ref: 'good' })}\n`);
    expect(refsOf(orders)).toEqual([null, 'good']);
    expect(orders[0]!.errors.map(({ field, message: text }) => `${field}: ${text}`).join('\n')).toContain(message);
  });
});

import { InvalidInput, type Issue, issueMessage } from '../../../http/validation.js';
import { MAX_ITEMS } from '../../orders/order.schema.js';
import { type CsvRecord, CsvRecords } from './csv-records.js';
import {
  MAX_ORDER_ERRORS,
  type ImportedOrder,
  type RowError,
  importOrder,
  refusedOrder,
  rowError,
} from './import-row.js';
import { LineSplitter } from './lines.js';
import type { OrderParser } from './order-parser.js';

const ORDER_COLUMNS = [
  'external_ref',
  'customer_email',
  'customer_name',
  'currency',
  'placed_at',
  'status',
  'paid_at',
  'cancelled_at',
];
const NUMBER_COLUMNS = ['quantity', 'unit_price_cents'];
const ITEM_COLUMNS = ['sku', ...NUMBER_COLUMNS];
const COLUMNS = [...ORDER_COLUMNS, ...ITEM_COLUMNS];
const REQUIRED = ['external_ref', 'customer_email', ...ITEM_COLUMNS];

/** Several times what the longest valid values need. */
const MAX_LINE_BYTES = 16 * 1024;
const WHOLE_NUMBER = /^-?\d{1,16}$/;

type Values = Record<string, string | undefined>;

/** An order whose lines are being read. */
interface OpenOrder {
  ref: string;
  first: number;
  rows: number;
  /** By its first line; later lines may repeat them. */
  fields: Values;
  items: Record<string, unknown>[];
  /** Lines of the items. */
  lines: number[];
  errors: RowError[];
}

/** Reads CSV (RFC 4180) with a header: one item a line. Consecutive lines of one `external_ref` are an order. */
export class CsvOrders implements OrderParser {
  private readonly lines = new LineSplitter(MAX_LINE_BYTES);
  private readonly records = new CsvRecords();
  private columns: string[] | undefined;
  private open: OpenOrder | null = null;
  /** A line behind the open order that cannot be read, and may be a part of it. */
  private unreadable: number | null = null;

  get isStarted(): boolean {
    return this.columns !== undefined;
  }

  push(chunk: Buffer): ImportedOrder[] {
    return this.take(this.records.push(this.lines.push(chunk)));
  }

  end(): ImportedOrder[] {
    const orders = this.take([...this.records.push(this.lines.end()), ...this.records.end()]);
    if (!this.columns) throw new InvalidInput('body', [{ path: 'header', message: 'is missing' }]);
    return [...orders, ...this.close()];
  }

  private take(records: CsvRecord[]): ImportedOrder[] {
    return records.flatMap((record) => {
      if (record.problem === null && record.cells.length === 1 && record.cells[0] === '') return [];
      if (this.columns) return this.takeRow(record, this.columns);
      this.columns = columnsOf(record);
      return [];
    });
  }

  private takeRow({ line, cells, problem }: CsvRecord, columns: string[]): ImportedOrder[] {
    const values: Values = Object.fromEntries(columns.map((name, index) => [name, cells[index] || undefined]));
    const count = `has ${cells.length} cells, but the header has ${columns.length}`;
    const wrong = problem ?? (cells.length === columns.length ? null : count);
    const ref = values['external_ref'];
    if (ref === undefined) return this.takeNameless(line, wrong, values);
    const closed = this.open?.ref === ref ? [] : this.close();
    this.open ??= { ref, first: line, rows: 0, fields: values, items: [], lines: [], errors: [] };
    this.addLine(this.open, line, wrong, values);
    return closed;
  }

  /** A line without a reference is an order of its own, unless the order before it goes on behind it. */
  private takeNameless(line: number, wrong: string | null, values: Values): ImportedOrder[] {
    if (wrong !== null) this.unreadable = line;
    const closed = wrong === null ? this.close() : [];
    const error =
      wrong === null ? rowError(line, null, 'external_ref', 'is required') : rowError(line, null, '', wrong);
    const more = wrong === null ? issuesOf(values, line) : [];
    return [...closed, refusedOrder(line, 1, [error, ...more])];
  }

  private addLine(order: OpenOrder, line: number, wrong: string | null, values: Values): void {
    order.rows += 1;
    const refuse = (field: string, message: string): void => {
      if (order.errors.length < MAX_ORDER_ERRORS) order.errors.push(rowError(line, order.ref, field, message));
    };
    if (this.unreadable !== null) refuse('', `has line ${this.unreadable} in it, which cannot be read`);
    this.unreadable = null;
    if (wrong !== null) return refuse('', wrong);
    for (const name of ORDER_COLUMNS) {
      if (values[name] !== undefined && values[name] !== order.fields[name])
        refuse(name, `differs from line ${order.first} of the same order`);
    }
    // One over the limit is enough for its error.
    if (order.items.length > MAX_ITEMS) return;
    order.items.push(itemOf(values));
    order.lines.push(line);
  }

  private close(): ImportedOrder[] {
    const { open } = this;
    this.open = null;
    this.unreadable = null;
    return open ? [finished(open)] : [];
  }
}

function finished({ ref, first, rows, fields, items, lines, errors }: OpenOrder): ImportedOrder {
  // A line that cannot be read would have added unknown values, so the rest of the order is not judged.
  if (errors.some(({ field }) => field === '')) return refusedOrder(first, rows, errors);
  const { data, error } = importOrder.safeParse({ ...orderFieldsOf(fields), items });
  if (data && errors.length === 0) return { row: first, rows, order: data, errors };
  const invalid = (error?.issues ?? []).map((issue) => {
    const [list, index, name] = issue.path;
    if (list !== 'items' || typeof index !== 'number')
      return rowError(first, ref, issue.path.join('.'), issueMessage(issue.message));
    const isText = NUMBER_COLUMNS.includes(String(name)) && typeof items[index]?.[String(name)] === 'string';
    return rowError(
      lines[index]!,
      ref,
      String(name ?? ''),
      isText ? 'must be a whole number' : issueMessage(issue.message),
    );
  });
  return refusedOrder(first, rows, [...errors, ...invalid]);
}

/** The issues of a line that is an order of its own but for its reference. */
function issuesOf(values: Values, line: number): RowError[] {
  const order = { ref: 'none', first: line, rows: 1, fields: { ...values, external_ref: 'none' }, errors: [] };
  const { errors } = finished({ ...order, items: [itemOf(values)], lines: [line] });
  return errors.map(({ row, field, message }) => ({ row, externalRef: null, field, message }));
}

const orderFieldsOf = (values: Values): Values => Object.fromEntries(ORDER_COLUMNS.map((name) => [name, values[name]]));

function itemOf(values: Values): Record<string, unknown> {
  return Object.fromEntries(
    ITEM_COLUMNS.map((name) => {
      const text = values[name];
      const isNumber = NUMBER_COLUMNS.includes(name) && text !== undefined && WHOLE_NUMBER.test(text);
      return [name, isNumber ? Number(text) : text];
    }),
  );
}

/** @throws InvalidInput */
function columnsOf({ cells, problem }: CsvRecord): string[] {
  const columns = cells.map((cell) => cell.toLowerCase());
  const messages = problem === null ? [] : [problem];
  for (const name of REQUIRED) if (!columns.includes(name)) messages.push(`must have the column ${name}`);
  for (const [index, name] of columns.entries()) {
    if (columns.indexOf(name) !== index) messages.push(`must have the column ${JSON.stringify(name)} only once`);
    else if (!COLUMNS.includes(name))
      messages.push(`has the unknown column ${JSON.stringify(name.slice(0, 100))}; allowed: ${COLUMNS.join(', ')}`);
  }
  const issues: Issue[] = messages.slice(0, 20).map((message) => ({ path: 'header', message }));
  if (issues.length > 0) throw new InvalidInput('body', issues);
  return columns;
}

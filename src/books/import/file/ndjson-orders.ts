import { InvalidInput, checkStructure, issueMessage } from '../../../http/validation.js';
import { type ImportedOrder, type RowError, importOrder, refusedOrder, rowError } from './import-row.js';
import { type Line, LineSplitter } from './lines.js';
import type { OrderParser } from './order-parser.js';

/** A line has the limit of the body of `POST /api/orders`. */
const MAX_LINE_BYTES = 256 * 1024;

/** Reads newline-delimited JSON: one order a line. */
export class NdjsonOrders implements OrderParser {
  readonly isStarted = true;
  private readonly lines = new LineSplitter(MAX_LINE_BYTES);

  push(chunk: Buffer): ImportedOrder[] {
    return ordersIn(this.lines.push(chunk));
  }

  end(): ImportedOrder[] {
    return ordersIn(this.lines.end());
  }
}

function ordersIn(lines: Line[]): ImportedOrder[] {
  return lines.filter(({ text, problem }) => problem !== null || text.trim() !== '').map(orderOf);
}

function orderOf({ number, text, problem }: Line): ImportedOrder {
  const refuse = (...errors: RowError[]): ImportedOrder => refusedOrder(number, 1, errors);
  if (problem !== null) return refuse(rowError(number, null, '', problem));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(rowError(number, null, '', 'is not valid JSON'));
  }
  const ref = (value as { external_ref?: unknown } | null)?.external_ref;
  const structural = structureIssues(value);
  if (structural.length > 0)
    return refuse(...structural.map(({ path, message }) => rowError(number, ref, path, message)));
  const { data, error } = importOrder.safeParse(value);
  if (data) return { row: number, rows: 1, order: data, errors: [] };
  return refuse(
    ...error.issues.map((issue) => rowError(number, ref, issue.path.join('.'), issueMessage(issue.message))),
  );
}

function structureIssues(value: unknown): InvalidInput['issues'] {
  try {
    checkStructure(value, 'row');
    return [];
  } catch (error) {
    if (error instanceof InvalidInput) return error.issues;
    throw error;
  }
}

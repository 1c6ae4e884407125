import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { expect } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { get, post, type Reply } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';

export const CSV = { 'content-type': 'text/csv' };
export const HEADER =
  'external_ref,customer_email,customer_name,currency,placed_at,status,paid_at,sku,quantity,unit_price_cents';
export const PAID = '2026-03-05T12:00:00Z';

export const file = (...rows: string[]): string => [HEADER, ...rows, ''].join('\r\n');
export const newRef = (): string => uuidv7();
export const paidLine = (ref: string, email: string, more = 'A-1,2,1250', status = 'paid'): string =>
  `${ref},${email},,,,${status},${PAID},${more}`;

export interface Upload {
  request: ClientRequest;
  /** Resolves with the response, or the error of the connection. */
  reply: Promise<{ status: number; text: string } | Error>;
}

/**
 * Returns functions that call imports, by default of the service that `daybook` returns, which starts after the file
 * loads.
 */
export function importClient(daybook: () => Daybook) {
  const send = (text: string, headers: Record<string, string> = CSV, target = daybook()): Promise<Reply> =>
    post(target, '/api/orders/import', Buffer.from(text), headers);
  async function importOf(id: string, target = daybook()): Promise<Reply['json']> {
    return (await get(target, `/api/orders/imports/${id}`)).json;
  }
  const newest = async (target = daybook()): Promise<Reply['json']> =>
    (await get(target, '/api/orders/imports?limit=1')).json.imports[0];

  /** Starts an upload whose bytes the test writes. */
  function upload(target = daybook(), headers: Record<string, string> = CSV): Upload {
    const request = httpRequest(`${target.url}/api/orders/import`, { method: 'POST', headers });
    const answered = once(request, 'response').then(async ([response]: IncomingMessage[]) => {
      let text = '';
      for await (const part of response!.setEncoding('utf8')) text += part;
      return { status: response!.statusCode!, text };
    });
    const reply = answered.catch((error: Error) => error);
    request.on('error', () => undefined);
    request.flushHeaders();
    return { request, reply };
  }

  /** Checks the books of a database as a whole: balances, numbers, totals and the journal of each order. */
  async function expectSoundBooks(target = daybook()): Promise<void> {
    expect(
      await sql(
        target,
        `SELECT 'sum' AS wrong FROM journal_lines GROUP BY currency HAVING sum(amount_cents) <> 0
         UNION ALL SELECT 'gap' FROM journal_entries GROUP BY account_id HAVING max(number) <> count(*)
         UNION ALL SELECT 'journal' FROM orders o WHERE total_cents > 0 AND (paid_at IS NOT NULL) <> EXISTS (
           SELECT FROM journal_entries e WHERE e.source_id = o.id AND e.kind = 'order.paid' AND e.effective_at = o.paid_at)
         UNION ALL SELECT 'total' FROM orders o WHERE total_cents <>
           (SELECT sum(line_total_cents) FROM order_items i WHERE i.order_id = o.id)
         UNION ALL SELECT 'summary' FROM (SELECT customer_id, currency, count(*) AS n, sum(total_cents) AS cents FROM orders
           WHERE status IN ('paid', 'shipped') AND NOT is_archived GROUP BY 1, 2) o
           FULL JOIN customer_totals t USING (customer_id, currency)
           WHERE (o.n, o.cents) IS DISTINCT FROM (t.order_count, t.total_cents)`,
      ),
    ).toEqual([]);
  }

  const countOf = async (prefix: string, target = daybook()): Promise<number> =>
    (
      await sql<{ n: number }>(target, `SELECT count(*)::integer AS n FROM orders WHERE external_ref LIKE '${prefix}%'`)
    )[0]!.n;

  return { send, importOf, newest, upload, expectSoundBooks, countOf };
}

/**
 * Promise: a file of orders of any size is imported in batches, in constant memory, each order once however often the file is
 * sent; a bad row stops no other; whatever ends an import leaves whole batches.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { createKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const CSV = { 'content-type': 'text/csv' };
const NDJSON = { 'content-type': 'application/x-ndjson' };
const HEADER =
  'external_ref,customer_email,customer_name,currency,placed_at,status,paid_at,sku,quantity,unit_price_cents';
const DAY_MS = 86_400_000;
/** Sets the clock of a process by the file that `CHAOS_CLOCK` names. */
const CLOCK = new URL('../chaos/clock.js', import.meta.url).href;
const PAID = '2026-03-05T12:00:00Z';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, REQUEST_TIMEOUT: '1s' } });
});

const file = (...rows: string[]): string => [HEADER, ...rows, ''].join('\r\n');
const send = (text: string, headers: Record<string, string> = CSV, target = daybook): Promise<Reply> =>
  post(target, '/api/orders/import', Buffer.from(text), headers);
const newRef = (): string => uuidv7();
const paidLine = (ref: string, email: string, more = 'A-1,2,1250', status = 'paid'): string =>
  `${ref},${email},,,,${status},${PAID},${more}`;

async function importOf(id: string, target = daybook): Promise<Reply['json']> {
  return (await get(target, `/api/orders/imports/${id}`)).json;
}
const newest = async (target = daybook): Promise<Reply['json']> =>
  (await get(target, '/api/orders/imports?limit=1')).json.imports[0];

interface Upload {
  request: ClientRequest;
  /** Resolves with the response, or the error of the connection. */
  reply: Promise<{ status: number; text: string } | Error>;
}

/** Starts an upload whose bytes the test writes. */
function upload(target = daybook, headers: Record<string, string> = CSV): Upload {
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
async function expectSoundBooks(target = daybook): Promise<void> {
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

const countOf = async (prefix: string, target = daybook): Promise<number> =>
  (
    await sql<{ n: number }>(target, `SELECT count(*)::integer AS n FROM orders WHERE external_ref LIKE '${prefix}%'`)
  )[0]!.n;

describe('an import', () => {
  it('creates customers and orders in every status, and posts them at the time of their payment', async () => {
    const email = `${uuidv7()}@Acme.example`;
    const [a, b, c, d, e] = [newRef(), newRef(), newRef(), newRef(), newRef()];
    const reply = await send(
      `\ufeff${file(
        `${a},${email},"Acme, Ltd",EUR,2026-03-01T00:00:00+01:00,,,A-1,2,1250`,
        `${a},,,,,,,B-2,1,500`,
        paidLine(b, email.toUpperCase()),
        paidLine(c, email, 'A-1,1,700', 'shipped'),
        paidLine(d, email, 'A-1,1,900', 'cancelled'),
        `${e},${email},,,,cancelled,,A-1,1,1`,
      )}`,
    );
    expect({ status: reply.status, json: reply.json }).toMatchObject({
      status: 200,
      json: {
        rows: 6,
        created: 5,
        duplicates: 0,
        failed: 0,
        errors_url: `/api/orders/imports/${reply.json.id}/errors`,
      },
    });
    const { orders } = (await get(daybook, `/api/orders?email=${email}&limit=10`)).json;
    const byRef = new Map(orders.map((order: Reply['json']) => [order.external_ref, order]));
    expect(byRef.get(a)).toMatchObject({
      status: 'draft',
      currency: 'EUR',
      total_cents: 30_00,
      placed_at: '2026-02-28T23:00:00.000Z',
      customer_email: email,
      items: [{ sku: 'A-1' }, { sku: 'B-2' }],
    });
    expect(byRef.get(b)).toMatchObject({
      status: 'paid',
      currency: 'USD',
      paid_at: '2026-03-05T12:00:00.000Z',
      total_cents: 25_00,
    });
    expect([c, d, e].map((ref) => (byRef.get(ref) as Reply['json']).status)).toEqual([
      'shipped',
      'cancelled',
      'cancelled',
    ]);
    const entries = await sql<{ ref: string; kind: string }>(
      daybook,
      `SELECT o.external_ref AS ref, e.kind FROM journal_entries e JOIN orders o ON o.id = e.source_id
        WHERE o.external_ref IN ('${a}','${b}','${c}','${d}','${e}') ORDER BY number`,
    );
    expect(entries).toEqual([
      { ref: b, kind: 'order.paid' },
      { ref: c, kind: 'order.paid' },
      { ref: d, kind: 'order.paid' },
      { ref: d, kind: 'order.cancelled' },
    ]);
    const names = await sql<{ name: string }>(
      daybook,
      `SELECT name FROM customers WHERE lower(email) = lower('${email}')`,
    );
    expect(names).toEqual([{ name: 'Acme, Ltd' }]);
    await expectSoundBooks();
    expect(await importOf(reply.json.id)).toEqual({
      ...reply.json,
      status: 'completed',
      created_at: expect.any(String),
      finished_at: expect.any(String),
    });
    const { actions } = (await get(daybook, '/api/actions?action=order.import&limit=1')).json;
    expect(actions[0]).toMatchObject({ action: 'order.import', target: reply.json.id, outcome: 'succeeded' });
  });

  it('of NDJSON takes an order a line, with the id of a customer or an email', async () => {
    const email = `${uuidv7()}@ndjson.example`;
    const items = [{ sku: 'A', quantity: 1, unit_price_cents: 5 }];
    const customer = (await post(daybook, '/api/customers', { name: 'N', email })).json;
    const [a, b, c] = [newRef(), newRef(), newRef()];
    const lines = [
      { external_ref: a, customer_id: customer.id, items },
      { external_ref: b, customer_email: email, items, status: 'paid', paid_at: PAID },
      { external_ref: c, customer_id: uuidv7(), items },
    ];
    const reply = await send(lines.map((line) => JSON.stringify(line)).join('\n'), NDJSON);
    expect(reply.json).toMatchObject({ rows: 3, created: 2, duplicates: 0, failed: 1 });
    const errors = await get(daybook, reply.json.errors_url);
    expect(errors.text.split('\r\n')[1]).toBe(`3,${c},customer_id,Customer not found`);
    expect((await get(daybook, `/api/customers/${customer.id}/orders`)).json.orders).toHaveLength(2);
  });

  it('leaves orders alone whose reference is known, also within a file', async () => {
    const [a, b] = [newRef(), newRef()];
    const email = `${uuidv7()}@dup.example`;
    const text = file(paidLine(a, email), paidLine(b, email), paidLine(a, email, 'X,9,9'));
    expect((await send(text)).json).toMatchObject({ rows: 3, created: 2, duplicates: 1, failed: 0 });
    expect((await send(text)).json).toMatchObject({ rows: 3, created: 0, duplicates: 3, failed: 0 });
    await expectSoundBooks();
  });

  it('reports each bad row in a CSV that runs no formula, and imports the others', async () => {
    const [good, closed, late] = [newRef(), newRef(), newRef()];
    const email = `${uuidv7()}@bad.example`;
    expect((await post(daybook, '/api/periods/2025-11/close', undefined)).status).toBe(200);
    const text = file(
      `=cmd(),${email},,,,,,A,1,x`,
      paidLine(good, email),
      `${closed},${email},,,,paid,2025-11-05T00:00:00Z,A,1,5`,
      `${late},${email},,,,cancelled,2025-11-05T00:00:00Z,A,1,5`,
      `free,${email},,,,paid,2025-11-05T00:00:00Z,A,1,0`,
      'a,b',
    );
    const reply = await send(text);
    expect(reply.json).toMatchObject({ rows: 6, created: 2, duplicates: 0, failed: 4 });
    const errors = await get(daybook, reply.json.errors_url);
    expect(errors.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(errors.headers.get('content-disposition')).toContain('attachment');
    expect(errors.text.split('\r\n')).toEqual([
      'row,external_ref,field,message',
      "2,'=cmd(),unit_price_cents,must be a whole number",
      `4,${closed},paid_at,The period 2025-11 is closed`,
      `5,${late},paid_at,The period 2025-11 is closed`,
      '7,a,,"has 2 cells, but the header has 10"',
      '',
    ]);
    await expectSoundBooks();
  });

  it('keeps the order that the database refuses apart from the others', async () => {
    const refs = Array.from({ length: 1_200 }, newRef);
    const refused = refs[700]!;
    await sql(
      daybook,
      `CREATE FUNCTION refuse_order() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END $$;
       CREATE TRIGGER refuse_order BEFORE INSERT ON orders FOR EACH ROW
       WHEN (NEW.external_ref = '${refused}') EXECUTE FUNCTION refuse_order()`,
    );
    const reply = await send(file(...refs.map((ref) => paidLine(ref, `${uuidv7()}@one.example`))));
    expect(reply.json).toMatchObject({ rows: 1_200, created: 1_199, failed: 1 });
    const errors = await get(daybook, reply.json.errors_url as string);
    expect(errors.text).toContain(refused);
    await expectSoundBooks();
  });
});

describe('is refused', () => {
  it.each([
    ['JSON', { 'content-type': 'application/json' }],
    ['another charset', { 'content-type': 'text/csv; charset=latin1' }],
    ['a compressed file', { ...CSV, 'content-encoding': 'gzip' }],
  ])('%s, with 415', async (_, headers) => {
    expectProblem(await send(file(), headers), 415);
  });

  it('a file without its header, with 422 and without an import', async () => {
    const before = await newest();
    const reply = await send('a,b\r\n1,2\r\n');
    expectProblem(reply, 422);
    expect(reply.json.errors[0]).toMatchObject({ path: 'header' });
    expect(await newest()).toEqual(before);
  });

  it('a third import of an account at the same time', async () => {
    const uploads = [upload(), upload()];
    for (const { request } of uploads) request.write(file());
    // Both have begun once the newest two imports run.
    await eventually(async () => {
      const { imports } = (await get(daybook, '/api/orders/imports?limit=2')).json;
      return imports.every(({ status }: { status: string }) => status === 'running');
    });
    const third = await send(file());
    expectProblem(third, 503);
    expect(third.headers.get('retry-after')).not.toBeNull();
    for (const { request } of uploads) request.end();
    for (const { reply } of uploads) expect(await reply).toMatchObject({ status: 200 });
  });

  it('another account or scope', async () => {
    const closed = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
    const [mine, reader] = [
      await createKey(closed, ['books:write', 'books:read']),
      await createKey(closed, ['books:read']),
    ];
    const other = await createKey(closed, ['books:write', 'books:read'], { account: 'other' });
    const text = file(paidLine('same-ref', 'a@b.example'));
    const { json } = await send(text, { ...CSV, ...mine.headers }, closed);
    expect(json).toMatchObject({ created: 1 });
    expectProblem(await send(text, { ...CSV, ...reader.headers }, closed), 403);
    expect((await send(text, { ...CSV, ...other.headers }, closed)).json).toMatchObject({ created: 1, duplicates: 0 });
    for (const path of [`/api/orders/imports/${json.id}`, json.errors_url]) {
      expectProblem(await get(closed, path, other.headers), 404);
      expect((await get(closed, path, mine.headers)).status).toBe(200);
    }
    expect((await get(closed, '/api/orders/imports', other.headers)).json.imports).toHaveLength(1);
  });
});

const ORDERS = 50_000;

/** The lines of a large file, one after the other. */
function* orderLines(prefix: string, count: number): Generator<string> {
  yield `${HEADER}\r\n`;
  for (let n = 0; n < count; n++) {
    const status = n % 3 === 0 ? 'draft' : 'paid';
    const paidAt = status === 'paid' ? PAID : '';
    yield `${prefix}${n},c${n % 500}@large.example,,,,${status},${paidAt},A-${n % 40},${1 + (n % 5)},${n % 1000}\r\n`;
  }
}

async function rssMib({ pid }: Daybook): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}

describe('a large file', () => {
  it('is imported in constant memory while its progress is visible, longer than REQUEST_TIMEOUT', async () => {
    const before = await rssMib(daybook);
    const { request, reply } = upload();
    let isDone = false;
    let peak = 0;
    const progress = new Set<number>();
    const watching = (async () => {
      while (!isDone) {
        peak = Math.max(peak, await rssMib(daybook));
        progress.add((await newest()).created);
      }
    })();
    // The item that makes this file some 80 MiB: the service must not keep what it has read.
    const filler = `x,${'y'.repeat(8_000)}\r\n`;
    const all = function* (): Generator<string> {
      let n = 0;
      for (const line of orderLines('large-', ORDERS)) yield ++n % 5 === 0 && n > 1 ? line + filler : line;
    };
    Readable.from(all()).pipe(request);
    const answer = (await reply) as { status: number; text: string };
    isDone = true;
    await watching;
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ created: ORDERS, duplicates: 0, failed: ORDERS / 5 });
    expect(progress.size).toBeGreaterThan(3);
    expect(peak - before).toBeLessThan(250);
    const errors = await get(daybook, JSON.parse(answer.text).errors_url);
    expect(errors.text.trimEnd().split('\r\n')).toHaveLength(1 + 10_000 + 1);
    await expectSoundBooks();
  }, 300_000);

  it('leaves whole batches when the connection drops, and the rest comes with a resend', async () => {
    const { request, reply } = upload();
    const text = [...orderLines('drop-', 2_500)].join('');
    request.write(text.slice(0, text.length - 10));
    await eventually(async () => (await countOf('drop-')) === 2_000);
    const { id } = await newest();
    request.destroy();
    expect(await reply).toHaveProperty('message');
    await eventually(async () => (await importOf(id)).status === 'interrupted');
    expect(await importOf(id)).toMatchObject({ rows: 2_000, created: 2_000 });
    expect(await countOf('drop-')).toBe(2_000);
    await eventually(
      async () => (await get(daybook, '/api/actions?action=order.import&limit=1')).json.actions[0].outcome === 'failed',
    );
    expect((await send(text)).json).toMatchObject({ rows: 2_500, created: 500, duplicates: 2_000, failed: 0 });
    await expectSoundBooks();
  });

  it('whose sender stalls is ended with 408', async () => {
    const service = await startDaybook({ env: { ...UNLIMITED, IMPORT_IDLE_TIMEOUT: '2s' } });
    const { request, reply } = upload(service);
    request.write([...orderLines('stall-', 1_500)].join(''));
    const answer = (await reply) as { status: number; text: string };
    expect(answer.status).toBe(408);
    expect(await newest(service)).toMatchObject({ status: 'interrupted', created: 1_000 });
  });

  it('sent twice at the same time creates each order once', async () => {
    const text = [...orderLines('twice-', 3_000)].join('');
    const replies = await Promise.all([send(text), send(text)]);
    for (const { json } of replies) expect(json).toMatchObject({ rows: 3_000, failed: 0 });
    expect(replies[0].json.created + replies[1].json.created).toBe(3_000);
    expect(replies[0].json.duplicates + replies[1].json.duplicates).toBe(3_000);
    expect(await countOf('twice-')).toBe(3_000);
    await expectSoundBooks();
  });

  it('goes on after kill -9 when it is sent again, and each order is in the books once', async () => {
    const first = await startDaybook({ env: UNLIMITED });
    const { request } = upload(first);
    const text = [...orderLines('kill-', 5_000)].join('');
    request.write(text);
    await eventually(async () => (await countOf('kill-', first)) >= 1_000);
    first.kill();
    await first.exited;
    const second = await startDaybook({ env: { ...UNLIMITED, DATABASE_URL: first.databaseUrl } });
    const { id } = await newest(second);
    expect((await importOf(id, second)).status).toBe('running');
    await sql(second, `UPDATE order_imports SET heartbeat_at = heartbeat_at - interval '1 minute'`);
    expect(await importOf(id, second)).toMatchObject({ status: 'interrupted', finished_at: expect.any(String) });
    const kept = await countOf('kill-', second);
    expect(kept % 1_000).toBe(0);
    const { json } = await send(text, CSV, second);
    expect(json).toMatchObject({ rows: 5_000, created: 5_000 - kept, duplicates: kept, failed: 0 });
    await expectSoundBooks(second);
  });

  it('ends after its batch when the service stops', async () => {
    const service = await startDaybook({ env: UNLIMITED });
    const { request, reply } = upload(service);
    request.write([...orderLines('stop-', 1_500)].join(''));
    await eventually(async () => (await countOf('stop-', service)) === 1_000);
    service.kill('SIGTERM');
    expect(await reply).toMatchObject({ status: 503 });
    expect(await service.exited).toBe(0);
    const rows = await sql(service, `SELECT status, created::integer FROM order_imports`);
    expect(rows).toEqual([{ status: 'interrupted', created: 1_000 }]);
  });
});

it('times without a value are those of the database, whatever the clock of the process says', async () => {
  const clock = join(await temporaryFolder(), 'clock');
  await writeFile(clock, String(-40 * DAY_MS));
  const env = { ...UNLIMITED, NODE_OPTIONS: `--import ${CLOCK}`, CHAOS_CLOCK: clock };
  const slow = await startDaybook({ env });
  const lines = ['paid', 'cancelled'].map((status) => `clock-${status},new@clock.example,New,,,${status},,A-1,1,500`);
  expect((await send(file(...lines), CSV, slow)).json).toMatchObject({ created: 2, failed: 0 });
  const { orders } = (await get(slow, '/api/orders')).json as { orders: Record<string, string | null>[] };
  const times = orders.flatMap((order) => [order.placed_at, order.paid_at, order.cancelled_at]);
  const given = times.flatMap((time) => (typeof time === 'string' ? [Date.parse(time)] : []));
  expect(given).toHaveLength(4);
  for (const time of given) expect(Math.abs(time - Date.now())).toBeLessThan(DAY_MS);
});

it('old imports are deleted with their errors', async () => {
  const { json } = await send(file('a,b'));
  expect(json.failed).toBe(1);
  await sql(daybook, `UPDATE order_imports SET created_at = now() - interval '31 days' WHERE id = '${json.id}'`);
  await eventually(async () => (await get(daybook, `/api/orders/imports/${json.id}`)).status === 404);
  expect(await sql(daybook, `SELECT FROM order_import_errors WHERE import_id = '${json.id}'`)).toEqual([]);
});

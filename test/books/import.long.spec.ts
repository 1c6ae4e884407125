/**
 * A file of orders is imported in batches, each order once even if the file is sent several times. An invalid row does
 * not affect others.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { createKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { CSV, PAID, file, importClient, newRef, paidLine } from './import-fixture.js';

const NDJSON = { 'content-type': 'application/x-ndjson' };
const DAY_MS = 86_400_000;
/** Sets the clock of a process by the file that `CHAOS_CLOCK` names. */
const CLOCK = new URL('../chaos/clock.js', import.meta.url).href;

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, REQUEST_TIMEOUT: '1s' } });
});

const { send, importOf, newest, upload, expectSoundBooks } = importClient(() => daybook);

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

  it('of NDJSON accepts one order per line, with the id or email of a customer', async () => {
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

  it('skips orders with a known reference, also within a file', async () => {
    const [a, b] = [newRef(), newRef()];
    const email = `${uuidv7()}@dup.example`;
    const text = file(paidLine(a, email), paidLine(b, email), paidLine(a, email, 'X,9,9'));
    expect((await send(text)).json).toMatchObject({ rows: 3, created: 2, duplicates: 1, failed: 0 });
    expect((await send(text)).json).toMatchObject({ rows: 3, created: 0, duplicates: 3, failed: 0 });
    await expectSoundBooks();
  });

  it('reports each invalid row in a CSV without formulas, and imports the others', async () => {
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

  it('imports the other orders if the database refuses one', async () => {
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
    // Both have started when the newest two imports are running.
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

it('missing times are set by the clock of the database, not by that of the process', async () => {
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

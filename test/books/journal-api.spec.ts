/**
 * The journal over HTTP posts adjustments and reversals once, lists what was posted, keeps accounts and scopes apart,
 * and names the error, its place and the allowed values in each refusal.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey, type TestKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { ENTRIES, MALFORMED, REFUSED_QUERIES, journalClient, transfer } from './journal-api-fixture.js';

let daybook: Daybook;
let acme: TestKey;
let globex: TestKey;
let reader: TestKey;
let admin: TestKey;

beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  acme = await createKey(daybook, ['books:read', 'books:write'], { account: 'acme' });
  globex = await createKey(daybook, ['books:read', 'books:write'], { account: 'globex' });
  reader = await createKey(daybook, ['books:read'], { account: 'acme' });
  admin = await createKey(daybook, ['admin'], { account: 'operators' });
});

const { act, adjust, see, newAccount, balancesOf, numbersOf } = journalClient(() => daybook);

describe('an adjustment', () => {
  it('is posted and listed with the same content, and moves the balances', async () => {
    const key = await newAccount();
    const body = transfer(1_250, {
      effective_at: '2026-03-31T12:00:00+02:00',
      lines: [
        { ledger_account: 'expenses:fees:card', currency: 'EUR', amount_cents: 5 },
        { ledger_account: 'assets:cash', currency: 'EUR', amount_cents: -5 },
        { ledger_account: 'assets:bank', currency: 'EUR', amount_cents: 0 },
      ],
    });
    const { status, json } = await adjust(key, body);
    expect([status, json]).toEqual([
      201,
      {
        number: 1,
        effective_at: '2026-03-31T10:00:00.000Z',
        recorded_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
        kind: 'adjustment',
        source_type: null,
        source_id: null,
        memo: 'Bank fees',
        reverses: null,
        lines: [
          { ledger_account: 'expenses:fees:card', currency: 'EUR', amount_cents: 5 },
          { ledger_account: 'assets:cash', currency: 'EUR', amount_cents: -5 },
        ],
      },
    ]);
    expect((await see(key, ENTRIES)).json).toEqual({ entries: [json], next_cursor: null });
    expect(await balancesOf(key)).toEqual({ 'expenses:fees:card EUR': 5, 'assets:cash EUR': -5 });
    expect(await balancesOf(key, '?as_of=2026-03-31T09:59:59.999Z')).toEqual({});
    expect(await balancesOf(key, '?as_of=2026-03-31T10:00:00Z')).toEqual(await balancesOf(key));
    expect(await balancesOf(key, '?through_entry=0')).toEqual({});
  });

  it('is posted once for an idempotency key, and the repeat gets the same bytes', async () => {
    const key = await newAccount();
    const headers = { 'Idempotency-Key': 'fees-of-march' };
    const replies = await Promise.all(Array.from({ length: 8 }, () => adjust(key, transfer(7), headers)));
    expect(new Set(replies.map(({ text, status }) => `${status} ${text}`)).size).toBe(1);
    expect(replies.filter((reply) => reply.headers.get('idempotency-replayed') === 'true')).toHaveLength(7);
    expect(replies[0]!.json.number).toBe(1);
    expectProblem(await adjust(key, transfer(8), headers), 422);
    const older = await adjust(key, transfer(7), { 'X-Idempotency-Key': 'fees-of-march' });
    expect([older.status, older.json]).toEqual([
      200,
      expect.objectContaining({ status: 'duplicate', request_id: null, original_result: replies[0]!.json }),
    ]);
    expect(await balancesOf(key)).toEqual({ 'expenses:bank-fees USD': 7, 'assets:cash USD': -7 });
    // A refusal is not stored.
    await act(key, '/api/periods/2026-03/close');
    const late = { 'Idempotency-Key': 'late' };
    expectProblem(await adjust(key, transfer(9), late), 409);
    expect((await adjust(key, transfer(9, { effective_at: '2026-04-01T00:00:00Z' }), late)).status).toBe(201);
  });

  it('names a customer of the account on its lines', async () => {
    const key = await newAccount();
    const [{ id: account }] = (await sql<{ id: string }>(
      daybook,
      'SELECT account_id AS id FROM api_keys WHERE id = $1',
      [key.id],
    )) as [{ id: string }];
    const [own, foreign] = [uuidv7(), uuidv7()];
    await sql(
      daybook,
      `INSERT INTO customers (id, account_id, name, email) VALUES ($1, $2, 'a', 'a@a.test'), ($3, $4, 'b', 'b@b.test')`,
      [own, account, foreign, uuidv7()],
    );
    const lines = (id: string): object => ({
      lines: [
        { ledger_account: 'assets:receivable', currency: 'USD', amount_cents: 5, customer_id: id },
        { ledger_account: 'income:orders', currency: 'USD', amount_cents: -5 },
      ],
    });
    const posted = await adjust(key, transfer(5, lines(own)));
    expect([posted.status, posted.json.lines[0].customer_id]).toEqual([201, own]);
    for (const id of [foreign, uuidv7()]) {
      const refused = await adjust(key, transfer(5, lines(id)));
      expectProblem(refused, 422);
      expect(refused.json.errors).toEqual([{ path: 'lines.0.customer_id', message: 'is not a known customer' }]);
    }
  });
});

describe('a reversal', () => {
  it('undoes an adjustment, once', async () => {
    const key = await newAccount();
    await adjust(key, transfer(5));
    const headers = { 'Idempotency-Key': 'undo' };
    const reversal = await act(key, `${ENTRIES}/1/reverse`, { memo: 'Booked twice' }, headers);
    expect([reversal.status, reversal.json]).toEqual([
      201,
      expect.objectContaining({ number: 2, kind: 'reversal', reverses: 1, memo: 'Booked twice', source_type: null }),
    ]);
    expect(await balancesOf(key)).toEqual({ 'expenses:bank-fees USD': 0, 'assets:cash USD': 0 });
    expect((await act(key, `${ENTRIES}/1/reverse`, { memo: 'Booked twice' }, headers)).text).toBe(reversal.text);
    for (const [number, reason] of [
      [1, /already reversed/],
      [2, /reversal of entry 1/],
    ] as const) {
      const refused = await act(key, `${ENTRIES}/${number}/reverse`);
      expectProblem(refused, 409);
      expect(refused.json).toMatchObject({
        type: 'urn:daybook:problem:entry-not-reversible',
        detail: expect.stringMatching(reason),
      });
    }
  });

  it('with the same idempotency key is another one for another entry', async () => {
    const key = await newAccount();
    for (const amount of [5, 6]) await adjust(key, transfer(amount));
    const headers = { 'Idempotency-Key': 'undo' };
    expect((await act(key, `${ENTRIES}/1/reverse`, {}, headers)).json.reverses).toBe(1);
    expect((await act(key, `${ENTRIES}/2/reverse`, {}, headers)).json.reverses).toBe(2);
  });

  it('takes effect at the given time, by default now, and only in an open period', async () => {
    const key = await newAccount();
    for (const amount of [5, 6]) await adjust(key, transfer(amount));
    await act(key, '/api/periods/2026-03/close');
    const late = await act(key, `${ENTRIES}/1/reverse`, { effective_at: '2026-03-31T23:59:59Z' });
    expectProblem(late, 409);
    expect(late.json.type).toBe('urn:daybook:problem:period-closed');
    const dated = await act(key, `${ENTRIES}/1/reverse`, { effective_at: '2026-04-01T00:00:00Z' });
    expect([dated.status, dated.json.effective_at]).toEqual([201, '2026-04-01T00:00:00.000Z']);
    // By the clock of the database, not that of the process.
    const { effective_at, recorded_at } = (await act(key, `${ENTRIES}/2/reverse`)).json;
    expect(effective_at).toBe(recorded_at);
    expect(Math.abs(Date.parse(effective_at) - Date.now())).toBeLessThan(60_000);
  });

  it('of an order is refused: cancel the order', async () => {
    const key = await newAccount();
    await adjust(key, transfer(5));
    const id = uuidv7();
    await sql(
      daybook,
      `WITH counter AS (UPDATE journal_counters SET last_number = 2 WHERE account_id = (SELECT account_id FROM api_keys WHERE id = $1)
          RETURNING account_id), entry AS (
        INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind, source_type, source_id)
        SELECT account_id, 2, now(), now(), 'order.paid', 'order', $2 FROM counter)
      INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents)
      SELECT account_id, 2, n, 'assets:cash', 'USD', 3 - 2 * n FROM counter, generate_series(1, 2) n`,
      [key.id, id],
    );
    const refused = await act(key, `${ENTRIES}/2/reverse`);
    expectProblem(refused, 409);
    expect(refused.json.detail).toBe(`The entry belongs to the order ${id}. Cancel the order.`);
  });
});

describe('the list of entries', () => {
  it('filters and pages, newest first', async () => {
    const key = await newAccount();
    const days = [5, 1, 9, 3, 7, 3];
    for (const day of days) await adjust(key, transfer(day, { effective_at: `2026-03-0${day}T12:00:00Z` }));
    const other = [
      { ledger_account: 'assets:bank', currency: 'USD', amount_cents: 1 },
      { ledger_account: 'assets:cash', currency: 'USD', amount_cents: -1 },
    ];
    await adjust(key, transfer(1, { effective_at: '2026-03-02T12:00:00Z', lines: other }));
    for (const limit of [1, 2, 3, 200]) {
      const listed = (query: string) => numbersOf(key, `limit=${limit}&${query}`);
      expect(await listed('')).toEqual([7, 6, 5, 4, 3, 2, 1]);
      expect(await listed('through_entry=3')).toEqual([3, 2, 1]);
      expect(await listed('ledger_account=assets:bank')).toEqual([7]);
      expect(await listed('ledger_account=expenses:bank-fees')).toEqual([6, 5, 4, 3, 2, 1]);
      expect(await listed('ledger_account=assets:none')).toEqual([]);
      // By the time at which they count; `to` is exclusive.
      expect(await listed('from=2026-03-02T12:00:00Z')).toEqual([3, 5, 1, 6, 4, 7]);
      expect(await listed('from=2026-03-02T12:00:00Z&to=2026-03-07T12:00:00Z')).toEqual([1, 6, 4, 7]);
      expect(await listed('to=2026-03-05T12:00:00Z&through_entry=5')).toEqual([4, 2]);
      expect(await listed('to=2026-03-05T12:00:00Z&ledger_account=assets:bank')).toEqual([7]);
    }
  });

  it.each(REFUSED_QUERIES)('refuses ?%s', async (query, path) => {
    const refused = await see(reader, `${ENTRIES}?${query}`);
    expectProblem(refused, 422);
    expect(refused.json.errors[0].path).toBe(path);
  });

  it('refuses balances with as_of and through_entry, and after an unknown entry', async () => {
    for (const query of ['as_of=2026-03-02T12:00:00Z&through_entry=0', 'through_entry=99999', 'as_of=now', 'as_of=']) {
      expectProblem(await see(reader, `/api/journal/balances?${query}`), 422);
    }
  });
});

describe('a malformed adjustment', () => {
  it.each(MALFORMED)('with %s is refused and posts nothing', async (_, more, path) => {
    const refused = await adjust(acme, transfer(5, more), { 'Idempotency-Key': 'never-stored' });
    expectProblem(refused, 422);
    expect(refused.json.errors[0]).toEqual({ path, message: expect.stringMatching(/./) });
    expect((await see(acme, ENTRIES)).json.entries).toEqual([]);
  });
});

describe('another account', () => {
  it('has its own numbers, entries, balances, periods and keys', async () => {
    const [ours, theirs] = [await newAccount(), await newAccount()];
    const headers = { 'Idempotency-Key': 'same' };
    for (const amount of [5, 6]) await adjust(ours, transfer(amount), amount === 5 ? headers : {});
    expectProblem(await act(theirs, `${ENTRIES}/2/reverse`), 404);
    expect((await adjust(theirs, transfer(7), headers)).json.number).toBe(1);
    expect(await numbersOf(theirs, '')).toEqual([1]);
    expect(await balancesOf(theirs)).toEqual({ 'expenses:bank-fees USD': 7, 'assets:cash USD': -7 });
    expectProblem(await see(theirs, '/api/journal/balances?through_entry=2'), 422);
    await act(theirs, '/api/periods/2026-03/close');
    expect((await adjust(ours, transfer(8))).status).toBe(201);
    const closed = (await see(ours, '/api/periods')).json.periods.filter(
      ({ status }: { status: string }) => status === 'closed',
    );
    expect(closed).toEqual([]);
  });
});

describe('scopes', () => {
  it('separate reading from writing, and reopening is for operators', async () => {
    const reports = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'acme' });
    for (const path of [ENTRIES, '/api/journal/balances', '/api/periods']) {
      expect((await see(reader, path)).status).toBe(200);
      expectProblem(await see(reports, path), 403);
    }
    expectProblem(await adjust(reader, transfer(5)), 403);
    for (const path of [`${ENTRIES}/1/reverse`, '/api/periods/2026-03/close'])
      expectProblem(await act(reader, path), 403);
    for (const key of [reader, globex, reports]) expectProblem(await act(key, '/api/periods/2026-03/reopen'), 403);
  });

  it('let an operator reopen a period of an account, which the action log records', async () => {
    expect((await act(globex, '/api/periods/2026-05/close')).json.status).toBe('closed');
    const headers = { 'Daybook-Account': 'globex' };
    const reopened = await act(admin, '/api/periods/2026-05/reopen', undefined, headers);
    expect([reopened.status, reopened.json]).toEqual([200, { period: '2026-05', status: 'open', closed_at: null }]);
    const { json } = await get(daybook, '/api/actions?target=2026-05', { ...admin.headers, ...headers });
    const actions = json.actions.map(({ action, account }: { action: string; account: string }) => [action, account]);
    expect(actions).toEqual([
      ['period.reopen', 'globex'],
      ['period.close', 'globex'],
    ]);
  });

  it.each(['2026-13', '2026-3', '0000-01', '2026-03-01', 'x'])('refuse the period %s', async (period) => {
    const refused = await act(globex, `/api/periods/${period}/close`);
    expectProblem(refused, 422);
    expect(refused.json.errors).toEqual([{ path: 'period', message: 'must be a month, such as 2026-03' }]);
  });
});

describe('a posted entry', () => {
  it('cannot be changed or deleted over HTTP', async () => {
    const key = await newAccount();
    await adjust(key, transfer(5));
    for (const method of ['DELETE', 'PATCH', 'PUT']) {
      const refused = await send(daybook, method, `${ENTRIES}/1`, { headers: key.headers });
      expect([404, 405]).toContain(refused.status);
    }
    expect(await numbersOf(key, '')).toEqual([1]);
  });
});

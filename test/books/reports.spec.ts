/**
 * A report over the books is a function of the entries up to one number and of what they fixed: it gives the same bytes
 * again, sync or async, whatever is posted or changed since, and it agrees with the journal.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { holdLane, releaseLane } from '../support/sql.js';
import { Stores } from '../support/stores.js';
import { createKey } from '../support/keys.js';
import { UNLIMITED } from '../support/submit.js';
import { booked, cancel, publish, register } from '../tickets/tickets-fixture.js';
import { RandomBooks, TYPES } from './recount-fixture.js';
import { accountWithBooks, type Books, type By, type Report, reportsClient } from './reports-fixture.js';

let daybook: Daybook;
/** Books without entries. */
let unposted: Books;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  unposted = await newBooks();
});

const reports = reportsClient(() => daybook);
const { ask, run, submit, completed } = reports;
const newBooks = (): Promise<Books> => accountWithBooks(daybook);
const hashOf = ({ result }: Report): string => result.sha256;

/** Sends a write, which must succeed. */
async function act(by: By, path: string, body?: object, method = 'POST'): Promise<Reply['json']> {
  const { status, text, json } = await send(daybook, method, path, { body, headers: by.headers });
  expect([Math.floor(status / 100), text]).toEqual([2, text]);
  return json;
}

/** Posts a rent of January. @returns The number of its entry. */
async function rent({ key }: Books, amount: number, more: object = {}, line: object = {}): Promise<number> {
  const lines = [
    { ledger_account: 'expenses:rent', currency: 'USD', amount_cents: amount, ...line },
    { ledger_account: 'assets:cash', currency: 'USD', amount_cents: -amount, ...line },
  ];
  const body = { effective_at: '2026-01-15T12:00:00Z', memo: 'Rent', lines, ...more };
  return (await act(key, '/api/journal/entries', body)).number;
}

/** Adds a customer with a paid order. */
async function sale({ key }: Books, items: object[] = [{ sku: 'A', quantity: 2, unit_price_cents: 500 }]) {
  const email = `${Math.random()}@customers.example`;
  const customer = await act(key, '/api/customers', { name: 'Ada', email });
  const order = await act(key, '/api/orders', { customer_id: customer.id, currency: 'USD', items });
  await act(key, `/api/orders/${order.id}/pay`);
  return { customer: customer.id as string, email, order: order.id as string };
}

/** From the start of the year until now. */
const untilNow = (): object => ({ from: '2026-01-01', to: new Date().toISOString() });

async function balancesOf({ key }: Books, query: string): Promise<Reply['json'][]> {
  return (await get(daybook, `/api/journal/balances?${query}`, key.headers)).json.balances;
}

describe('over random books', () => {
  let random: RandomBooks;
  beforeAll(async () => {
    const stores = await Stores.open(daybook.databaseUrl!);
    random = await RandomBooks.post(stores, await newBooks(), 100, reports);
  });

  it.each(TYPES)('%s equals its recount', async (type) => {
    for (const { shown, expected } of await random.compare(type, 1)) expect(shown).toEqual(expected);
  });
});

describe('a report of January, run again after corrections', () => {
  it('has the same bytes in every format with its through_entry, and without it the corrected figures', async () => {
    const books = await newBooks();
    const { json } = await get(daybook, '/api/report-types', books.key.headers);
    const { formats } = json.report_types.find(({ type }: { type: string }) => type === 'journal');
    const through = await rent(books, 100_000);
    const before = new Map<string, Report>();
    for (const format of formats) before.set(format, await run(books.key, 'trial-balance', {}, format));
    const { number } = await act(books.key, `/api/journal/entries/${through}/reverse`, {
      effective_at: '2026-01-31T23:59:59.999Z',
    });
    await rent(books, 90_000);
    for (const [format, { result, file }] of before) {
      expect(result).toMatchObject({ through_entry: through, data_as_of: expect.any(String), row_count: 2 });
      const again = await run(books.key, 'trial-balance', { through_entry: through }, format);
      expect([hashOf(again), again.file]).toEqual([result.sha256, file]);
    }
    const corrected = await run(books.key, 'trial-balance');
    expect(corrected.result.through_entry).toBe(number + 1);
    expect(corrected.file).toContain('assets:cash,USD,0.00,1000.00,1900.00,-900.00,-900.00');
  });

  it.each(TYPES)('is not changed by anything that is not posted: %s', async (type) => {
    const organizer = await register(daybook, 'organizer');
    const books = { key: organizer, account: '' } as unknown as Books;
    const { customer, order } = await sale(books);
    const attendee = await register(daybook, 'customer');
    const event = await publish(daybook, organizer);
    await booked(daybook, attendee, event.id, 3);
    const params = {
      ...untilNow(),
      ...(type === 'account-statement' && { ledger_account: 'assets:cash' }),
      ...(type === 'customer-statement' && { customer_id: customer }),
    };
    const before = await run(organizer, type, params);
    expect(before.result.row_count).toBeGreaterThan(0);
    await act(organizer, `/api/orders/${order}/ship`);
    await act(organizer, `/api/orders/${order}/archive`);
    const change = { name: 'Eve', email: `${Math.random()}@new.example`, is_active: false };
    await act(organizer, `/api/customers/${customer}`, change, 'PATCH');
    await act(organizer, `/api/events/${event.id}`, { title: 'Renamed', total_tickets: 500, price_cents: 1 }, 'PATCH');
    const again = await run(organizer, type, params);
    expect([hashOf(again), again.file, again.result.totals]).toEqual([
      hashOf(before),
      before.file,
      before.result.totals,
    ]);
  });
});

describe('an async report', () => {
  it('means what it meant when it was accepted, and has the hash of the sync one', async () => {
    const books = await newBooks();
    const through = await rent(books, 100);
    await holdLane(daybook, `${books.account}/statements`);
    const payload = { ledger_account: 'assets:cash' };
    const id = await submit(books.key, 'account-statement', payload, { lane: 'statements' });
    await rent(books, 900);
    await releaseLane(daybook, `${books.account}/statements`);
    const done = await completed(books.key, id);
    expect(done.result).toMatchObject({ row_count: 1, through_entry: through });
    expect(await reports.detailOf(books.key, id)).toMatchObject({
      input_payload: { ...payload, through_entry: through },
    });
    const sync = await run(books.key, 'account-statement', { ...payload, through_entry: through });
    expect([hashOf(done), done.file]).toEqual([hashOf(sync), sync.file]);
  });
});

describe('the books of another account', () => {
  it('never appear', async () => {
    const [ours, theirs] = [await newBooks(), await newBooks()];
    await rent(ours, 100);
    const { customer } = await sale(theirs);
    for (const type of TYPES) {
      const params = {
        ...untilNow(),
        ...(type === 'account-statement' && { ledger_account: 'income:orders' }),
        ...(type === 'customer-statement' && { customer_id: customer }),
      };
      const reply = await ask(ours.key, type, params);
      if (type === 'customer-statement') {
        expect([reply.status, reply.json.errors]).toEqual([
          422,
          [{ path: 'payload.customer_id', message: 'must be the id of a customer of the account' }],
        ]);
      } else {
        const isOurs = ['journal', 'trial-balance'].includes(type);
        expect([type, reply.json.row_count, reply.json.totals.length]).toEqual([type, isOurs ? 2 : 0, isOurs ? 1 : 0]);
      }
    }
  });
});

describe('a key that may not read the books', () => {
  it('gets no report of them: not alone, in a batch or by a schedule, and does not see their types', async () => {
    const { headers } = await createKey(daybook, ['reports:read', 'reports:write'], { account: uuidv7() });
    const report = { report: 'journal', payload: untilNow(), callback_url: null };
    const schedule = {
      ...report,
      payload: {},
      name: 'Journal',
      period: 'previous_day',
      every: 'day',
      at: '06:00',
      timezone: 'UTC',
    };
    const other = { report: 'digest', payload: { input_data: 'x', iterations: 1 }, callback_url: null };
    for (const [path, body] of [
      ['/api/sync', report],
      ['/api/async', report],
      ['/api/batch', { requests: [other, report] }],
      ['/api/schedules', schedule],
    ] as const) {
      const refused = await send(daybook, 'POST', path, { body, headers });
      expectProblem(refused, 403);
      expect(refused.json.detail).toBe('This requires an API key with the scope books:read');
    }
    expect((await send(daybook, 'POST', '/api/async', { body: other, headers })).status).toBe(202);
    const { report_types } = (await get(daybook, '/api/report-types', headers)).json;
    expect(report_types.map(({ type }: { type: string }) => type)).toEqual(['digest', 'transactions']);
  });
});

describe('the control totals', () => {
  it('of a statement agree with the balances of the journal before and at the end of the interval', async () => {
    const books = await newBooks();
    await rent(books, 5, { effective_at: '2025-12-31T23:59:59.999Z' });
    await rent(books, 70, { effective_at: '2026-01-01T00:00:00Z' }, { currency: 'JPY' });
    await rent(books, 300);
    await rent(books, -40, { effective_at: '2026-01-31T23:59:59.999Z' });
    await rent(books, 1_000, { effective_at: '2026-02-01T00:00:00Z' });
    const { result, file } = await run(books.key, 'account-statement', { ledger_account: 'assets:cash' });
    expect(result.totals).toEqual([
      { currency: 'JPY', opening_cents: 0, debits_cents: 0, credits_cents: 70, closing_cents: -70 },
      { currency: 'USD', opening_cents: -5, debits_cents: 40, credits_cents: 300, closing_cents: -265 },
    ]);
    expect(parse(file, { columns: true }).map((row) => (row as { balance: string }).balance)).toEqual([
      '-70',
      '-3.05',
      '-2.65',
    ]);
    const cash = (rows: Reply['json'][]) => rows.filter(({ ledger_account }) => ledger_account === 'assets:cash');
    const [opening, closing] = await Promise.all(
      ['2025-12-31T23:59:59.999Z', '2026-01-31T23:59:59.999Z'].map((time) => balancesOf(books, `as_of=${time}`)),
    );
    expect(cash(opening!).map((row) => [row.currency, row.amount_cents])).toEqual([['USD', -5]]);
    expect(cash(closing!).map((row) => [row.currency, row.amount_cents])).toEqual([
      ['JPY', -70],
      ['USD', -265],
    ]);
    const through = result.through_entry;
    const year = await run(
      books.key,
      'trial-balance',
      { from: '2020-01-01', to: '2026-11-01', through_entry: through },
      'jsonl',
    );
    const closings = year.file
      .split('\n')
      .slice(0, -1)
      .map((row) => JSON.parse(row));
    expect(closings.map((row) => [row.ledger_account, row.currency, row.closing_cents])).toEqual(
      (await balancesOf(books, `through_entry=${through}`)).map((row) => [
        row.ledger_account,
        row.currency,
        row.amount_cents,
      ]),
    );
    for (const total of year.result.totals) {
      expect(total).toMatchObject({ opening_cents: 0, net_cents: 0, closing_cents: 0 });
      expect(total.debits_cents).toBe(total.credits_cents);
    }
  });

  it('of event-sales agree with income:tickets after bookings and an event were cancelled', async () => {
    const organizer = await register(daybook, 'organizer');
    const [ada, bob] = [await register(daybook, 'customer'), await register(daybook, 'customer')];
    const jazz = await publish(daybook, organizer, { title: '=Jazz', price_cents: 25_00 });
    const rock = await publish(daybook, organizer, { title: 'Rock', price_cents: 10_00, currency: 'USD' });
    const free = await publish(daybook, organizer, { price_cents: 0 });
    await booked(daybook, ada, jazz.id, 2);
    await booked(daybook, ada, free.id, 1);
    await cancel(daybook, bob, (await booked(daybook, bob, jazz.id, 3)).id);
    await booked(daybook, bob, rock.id, 4);
    await act(organizer, `/api/events/${rock.id}`, undefined, 'DELETE');
    const { result, file } = await run(organizer, 'event-sales', untilNow());
    const counts = { bookings: 2, tickets: 5, cancellations: 1, cancelled_tickets: 3 };
    const others = { bookings: 1, tickets: 4, cancellations: 1, cancelled_tickets: 4 };
    expect(result.totals).toEqual([
      { currency: 'EUR', ...counts, revenue_cents: 12_500, refunds_cents: 7_500, net_cents: 5_000 },
      { currency: 'USD', ...others, revenue_cents: 4_000, refunds_cents: 4_000, net_cents: 0 },
    ]);
    expect(parse(file, { from: 2 })).toEqual([
      [jazz.id, "'=Jazz", 'EUR', '2', '5', '125.00', '1', '3', '75.00', '50.00'],
      [rock.id, 'Rock', 'USD', '1', '4', '40.00', '1', '4', '40.00', '0.00'],
    ]);
    const income = await balancesOf({ key: organizer } as unknown as Books, 'through_entry=' + result.through_entry);
    expect(income.filter((row) => row.ledger_account === 'income:tickets')).toEqual([
      { ledger_account: 'income:tickets', currency: 'EUR', amount_cents: -5_000 },
      { ledger_account: 'income:tickets', currency: 'USD', amount_cents: 0 },
    ]);
  });

  it('are exact beyond 2^53', async () => {
    const books = await newBooks();
    const largest = Number.MAX_SAFE_INTEGER;
    await rent(books, largest);
    await rent(books, largest);
    const reply = await ask(books.key, 'account-statement', { ledger_account: 'assets:cash' });
    expect(reply.json.totals).toEqual([
      {
        currency: 'USD',
        opening_cents: 0,
        debits_cents: 0,
        credits_cents: '18014398509481982',
        closing_cents: '-18014398509481982',
      },
    ]);
    const csv = await run(books.key, 'account-statement', { ledger_account: 'assets:cash' });
    expect(parse(csv.file, { from: 2 }).map((row: string[]) => row.at(-1))).toEqual([
      '-90071992547409.91',
      '-180143985094819.82',
    ]);
    const lines = await run(books.key, 'account-statement', { ledger_account: 'assets:cash' }, 'jsonl');
    expect(lines.file).toContain('"balance_cents":-18014398509481982}');
  });
});

describe('the parameters', () => {
  it('select a half-open interval of local days, pick and order columns, and filter a currency', async () => {
    const books = await newBooks();
    const at = (effective_at: string, memo: string): Promise<number> => rent(books, 5, { effective_at, memo });
    await at('2026-03-28T22:59:59.999Z', 'the day before');
    await at('2026-03-28T23:00:00Z', '=first');
    await at('2026-03-29T21:59:59.999Z', 'last');
    await at('2026-03-29T22:00:00Z', 'the day after');
    await rent(books, 1_250, { effective_at: '2026-03-29T12:00:00Z' }, { currency: 'KWD' });
    await rent(books, 1_250, { effective_at: '2026-03-29T12:00:00Z' }, { currency: 'JPY' });
    const day = { from: '2026-03-29', to: '2026-03-30', timezone: 'Europe/Zurich' };
    const fileOf = async (more: object): Promise<string> => (await run(books.key, 'journal', { ...day, ...more })).file;
    expect(await fileOf({ columns: ['memo', 'number'], currency: 'USD' })).toBe(
      "memo,number\n'=first,2\n'=first,2\nlast,3\nlast,3\n",
    );
    expect(await fileOf({ columns: ['amount'], currency: 'KWD' })).toBe('amount\n1.250\n-1.250\n');
    expect(await fileOf({ columns: ['amount'], currency: 'JPY' })).toBe('amount\n1250\n-1250\n');
    expect(await fileOf({ columns: ['currency'], currency: 'EUR' })).toBe('currency\n');
    expect(await fileOf({ columns: ['number'], through_entry: 2 })).toBe('number\n2\n2\n');
    expect(await fileOf({ columns: ['number'], through_entry: 0 })).toBe('number\n');
  });

  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  it.each<[string, object, string, RegExp]>([
    ['journal', { from: undefined }, 'from', /./],
    ['journal', { to: '2026-02-30' }, 'to', /2026-01-31/],
    ['journal', { to: '2026-01-01' }, 'to', /must be after from/],
    ['journal', { to: tomorrow }, 'to', /time of the request, \d{4}-/],
    ['journal', { through_entry: 1 }, 'through_entry', /newest entry, which is 0/],
    ['journal', { through_entry: -1 }, 'through_entry', />=0/],
    ['journal', { timezone: 'Mars/Olympus' }, 'timezone', /Europe\/Zurich/],
    ['journal', { currency: 'usd' }, 'currency', /ISO 4217/],
    ['journal', { columns: [] }, 'columns', /./],
    ['journal', { columns: ['number', 'number'] }, 'columns', /twice/],
    ['journal', { columns: ['colour'] }, 'columns.0', /"number"/],
    ['journal', { colour: 'red' }, 'colour', /not a parameter/],
    ['account-statement', {}, 'ledger_account', /./],
    ['account-statement', { ledger_account: 'cash' }, 'ledger_account', /assets:cash/],
    ['customer-statement', { customer_id: 'x' }, 'customer_id', /UUID/],
    [
      'customer-statement',
      { customer_id: '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55' },
      'customer_id',
      /a customer of the account/,
    ],
  ])('of %s are refused: %j', async (report, params, path, allowed) => {
    const { key } = unposted;
    const payload = { from: '2026-01-01', to: '2026-02-01', ...params };
    const sent = [
      ['/api/sync', { report, payload }, `payload.${path}`],
      ['/api/async', { report, ...payload, callback_url: null }, path],
      ['/api/batch', { requests: [{ report, payload, callback_url: null }] }, `requests.0.payload.${path}`],
    ] as const;
    for (const [route, body, at] of sent) {
      const reply = await send(daybook, 'POST', route, { body, headers: key.headers });
      expectProblem(reply, 422, route);
      expect(reply.json.errors).toEqual([{ path: at, message: expect.stringMatching(allowed) }]);
    }
  });
});

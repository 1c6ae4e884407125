import { describe, expect, it } from '@jest/globals';
import { BOOK_RULES, checkBooks } from './book-checker.js';
import type { BookHistory, EntryRow, OrderRow, Write } from './book-history.js';

const HOUR_MS = 3_600_000;
const RECORDED_MS = Date.parse('2026-03-31T12:00:00Z');

/**
 * A history without violations. Order 1 is paid, 2 is shipped, 3 is paid and then cancelled, 4 is a cancelled draft, 5
 * is paid with a total of 0, and the payment of 6 had no response. Entry 5 is an adjustment, which entry 6 reverses. A
 * second payment of order 1 was refused, and the first response to the shipment of order 2 was lost.
 */
function goodHistory(): BookHistory {
  const orders = [
    order(1, 'paid'),
    order(2, 'shipped'),
    order(3, 'cancelled', { isPaid: true }),
    order(4, 'cancelled', { isPaid: false }),
    order(5, 'paid', { totalCents: 0 }),
    order(6, 'paid', { customerId: 'c2' }),
    order(7, 'paid', { isArchived: true }),
  ];
  return {
    orders,
    customers: [
      { books: 'a', id: 'c1', email: 'mail c1', isActive: true },
      { books: 'a', id: 'c2', email: 'mail c2', isActive: false },
    ],
    entries: [
      entry(1, 'order.paid', 100, { sourceId: 'o1' }),
      entry(2, 'order.paid', 200, { sourceId: 'o2' }),
      entry(3, 'order.paid', 300, { sourceId: 'o3' }),
      entry(4, 'order.cancelled', -300, { sourceId: 'o3', reverses: 3 }),
      entry(5, 'adjustment', 50, { memo: 'memo 5', month: '2010-02', effectiveAtMs: 0 }),
      entry(6, 'reversal', -50, { reverses: 5 }),
      entry(7, 'order.paid', 600, { sourceId: 'o6' }),
      entry(8, 'order.paid', 700, { sourceId: 'o7' }),
      entry(1, 'adjustment', 5, { books: 'b', memo: 'memo b', month: '2010-02', effectiveAtMs: 0 }),
    ],
    periods: [{ books: 'a', month: '2010-02', closedAtMs: RECORDED_MS + HOUR_MS }],
    summaries: [
      { books: 'a', currency: 'USD', limit: 2, rows: [{ customer_id: 'c1', order_count: 3, total_cents: 300 }] },
    ],
    verification: { exitCode: 0, output: 'nothing differs' },
    writes: [
      ...['c1', 'c2'].map((id) => write('customer', `mail ${id}`, { createdId: id })),
      ...orders.map(({ id, totalCents }) => write('order', `ref ${id}`, { createdId: id, totalCents })),
      ...['o1', 'o2', 'o3', 'o5', 'o7'].map((id) => write('pay', id)),
      write('pay', 'o1', { statuses: [409] }),
      write('pay', 'o6', { statuses: [null, 409] }),
      write('ship', 'o2', { statuses: [null, 503, 200] }),
      ...['o3', 'o4'].map((id) => write('cancel', id)),
      write('archive', 'o7'),
      write('change', 'c2'),
      write('adjust', 'memo 5', { createdId: '5' }),
      write('adjust', 'memo b', { books: 'b', createdId: '1' }),
      write('reverse', '5', { createdId: '6' }),
      write('close', '2010-02'),
    ],
  };
}

function order(number: number, status: string, overrides: Partial<OrderRow> = {}): OrderRow {
  const id = `o${number}`;
  const totalCents = 100 * number;
  const fields = { currency: 'USD', totalCents, isArchived: false, isPaid: true };
  return { books: 'a', id, customerId: 'c1', externalRef: `ref ${id}`, status, ...fields, ...overrides };
}

function entry(number: number, kind: string, cents: number, overrides: Partial<EntryRow> = {}): EntryRow {
  const recordedAtMs = RECORDED_MS + number;
  const lines = [
    { ledgerAccount: 'assets:cash', currency: 'USD', amountCents: cents },
    { ledgerAccount: 'income:orders', currency: 'USD', amountCents: -cents },
  ];
  const times = { month: '2026-03', effectiveAtMs: recordedAtMs - 1, recordedAtMs };
  return { books: 'a', number, kind, sourceId: null, memo: null, reverses: null, ...times, lines, ...overrides };
}

function write(kind: Write['kind'], subject: string, overrides: Partial<Write> = {}): Write {
  const createdId = overrides.createdId ?? null;
  return { kind, books: 'a', subject, statuses: [createdId === null ? 200 : 201], createdId, ...overrides };
}

const without = <T>(items: T[], isGone: (item: T) => boolean) => items.splice(items.findIndex(isGone), 1);
const orderIn = ({ orders }: BookHistory, id: string) => orders.find((row) => row.id === id)!;
const entryIn = ({ entries }: BookHistory, number: number) => entries.find((row) => row.number === number)!;
const writeOf = ({ writes }: BookHistory, kind: Write['kind'], subject: string) =>
  writes.find((row) => row.kind === kind && row.subject === subject)!;
/** Adds an entry with the next number. */
const post = ({ entries }: BookHistory, kind: string, cents: number, overrides: Partial<EntryRow>) =>
  entries.push(entry(9, kind, cents, overrides));

/** For each rule, changes to the history that break it. */
const BROKEN: [rule: string, how: string, breakIt: (history: BookHistory) => void][] = [
  ['every customer', 'one is lost', ({ customers }) => customers.pop()],
  ['every customer', 'one exists twice', ({ customers }) => customers.push({ ...customers[0]!, id: 'c3' })],
  ['every customer', 'one was not requested', ({ customers }) => customers.push({ ...customers[0]!, email: 'new' })],
  ['every order', 'one is lost', ({ orders }) => without(orders, ({ id }) => id === 'o4')],
  ['every order', 'one exists twice', ({ orders }) => orders.push({ ...orders[3]!, id: 'o8' })],
  ['every order', 'one has another total', (history) => (orderIn(history, 'o4').totalCents = 401)],
  ['every order', 'one belongs to another account', (history) => (orderIn(history, 'o4').books = 'b')],
  ['every adjustment', 'one is lost', ({ entries }) => without(entries, ({ memo }) => memo === 'memo b')],
  ['every adjustment', 'one is posted twice', (history) => post(history, 'adjustment', 50, { memo: 'memo 5' })],
  ['every adjustment', 'one was not requested', (history) => post(history, 'adjustment', 50, { memo: 'new' })],
  ['every payment', 'it has no entry', ({ entries }) => without(entries, ({ sourceId }) => sourceId === 'o1')],
  ['every payment', 'it has two entries', (history) => post(history, 'order.paid', 100, { sourceId: 'o1' })],
  ['every payment', 'its entry has another amount', (history) => (entryIn(history, 1).lines = entry(1, '', 99).lines)],
  ['every payment', 'the order is a draft', (history) => (orderIn(history, 'o1').isPaid = false)],
  ['every cancellation', 'it has no reversal', ({ entries }) => without(entries, ({ number }) => number === 4)],
  [
    'every cancellation',
    'it has two reversals',
    (history) => post(history, 'order.cancelled', -300, { sourceId: 'o3', reverses: 3 }),
  ],
  ['every cancellation', 'the order is paid', (history) => (orderIn(history, 'o3').status = 'paid')],
  ['every shipment', 'the order is cancelled', (history) => (orderIn(history, 'o2').status = 'cancelled')],
  ['every shipment', 'a payment succeeds twice', ({ writes }) => writes.push(write('pay', 'o1'))],
  ['the status of every order', 'a paid order has no entry', (history) => history.entries.splice(6, 1)],
  [
    'the status of every order',
    'a draft has an entry',
    (history) => post(history, 'order.paid', 4, { sourceId: 'o4' }),
  ],
  ['the status of every order', 'the order is lost', ({ orders }) => without(orders, ({ id }) => id === 'o6')],
  ['every reversal', 'it is lost', ({ entries }) => without(entries, ({ number }) => number === 6)],
  ['every reversal', 'it is posted twice', (history) => post(history, 'reversal', -50, { reverses: 5 })],
  ['every reversal', 'it has another amount', (history) => (entryIn(history, 6).lines = entry(6, '', -49).lines)],
  [
    'every reversal',
    'the response names another entry',
    (history) => (writeOf(history, 'reverse', '5').createdId = '7'),
  ],
  ['every entry, and each currency', 'a line is lost', (history) => entryIn(history, 1).lines.pop()],
  ['every entry, and each currency', 'all lines are lost', (history) => (entryIn(history, 1).lines = [])],
  [
    'every entry, and each currency',
    'only the currencies together sum to 0',
    (history) => (entryIn(history, 1).lines[0]!.currency = 'EUR'),
  ],
  ['entry numbers', 'there is a gap', (history) => (entryIn(history, 8).number = 9)],
  ['entry numbers', 'there is a duplicate', (history) => (entryIn(history, 8).number = 7)],
  ['entry numbers', 'a later number is recorded earlier', (history) => (entryIn(history, 8).recordedAtMs -= HOUR_MS)],
  ['a confirmed close of a month', 'it is open', ({ periods }) => periods.pop()],
  [
    'a confirmed close of a month',
    'an entry is posted into it',
    ({ periods }) => (periods[0]!.closedAtMs = RECORDED_MS),
  ],
  ['an entry without a time', 'a payment is backdated', (history) => (entryIn(history, 1).effectiveAtMs -= HOUR_MS)],
  ['an entry without a time', 'a reversal is postdated', (history) => (entryIn(history, 6).effectiveAtMs += HOUR_MS)],
  ['the summary', 'a total differs', ({ summaries }) => (summaries[0]!.rows[0]!.total_cents = 299)],
  ['the summary', 'an order of 0 is not counted', ({ summaries }) => (summaries[0]!.rows[0]!.order_count = 2)],
  ['the summary', 'a customer is missing', ({ summaries }) => summaries[0]!.rows.pop()],
  [
    'the summary',
    'it has an inactive customer',
    ({ summaries }) => summaries[0]!.rows.push({ customer_id: 'c2', order_count: 1, total_cents: 600 }),
  ],
  ['`daybook books verify`', 'it finds something', ({ verification }) => (verification.exitCode = 1)],
  ['`daybook books verify`', 'it is killed', ({ verification }) => (verification.exitCode = null)],
  ['writers get only responses', 'it returns 500', (history) => writeOf(history, 'ship', 'o2').statuses.unshift(500)],
  [
    'writers get only responses',
    'an existing order is 404',
    (history) => (writeOf(history, 'archive', 'o7').statuses = [404]),
  ],
];

describe('checkBooks', () => {
  it('reports nothing for a history without violations', () => {
    expect(checkBooks(goodHistory())).toEqual([]);
  });

  it.each(BROKEN)('%s…: fails if %s', (rule, _how, breakIt) => {
    const history = structuredClone(goodHistory());
    breakIt(history);
    const broken = checkBooks(history).map((violation) => violation.rule);
    expect(broken).toContainEqual(expect.stringContaining(rule));
  });

  it('has a test for every rule', () => {
    const untested = Object.keys(BOOK_RULES).filter((rule) => !BROKEN.some(([tested]) => rule.startsWith(tested)));
    expect(untested).toEqual([]);
  });
});

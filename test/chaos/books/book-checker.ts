import type { BookHistory, EntryRow, OrderRow, Summary, SummaryRow, Write } from './book-history.js';
import type { Violation } from '../checker.js';

/** Responses that a writer can act on. Null: no response. */
const EXPECTED = new Set<number | null>([null, 200, 201, 409, 503]);
/** The longest time between the payment of an order and its entry: a posting may wait for locks. */
const MAX_WAIT_MS = 60_000;

/**
 * The rules of the contract for books. Each returns its violations in a history. They share no code with the product.
 */
export const BOOK_RULES: Record<string, (history: BookHistory) => string[]> = {
  'every customer that was answered 201 exists once, and no other customer exists': ({ writes, customers }) => {
    const rows = customers.map(({ books, id, email }) => ({ books, createdId: id, subject: email }));
    return creations('customer', writes, rows);
  },

  'every order that was answered 201 exists once with its total, and no other order exists': ({ writes, orders }) => {
    const rows = orders.map(({ books, id, externalRef }) => ({ books, createdId: id, subject: externalRef }));
    const totals = new Map(orders.map(({ id, totalCents }) => [id, totalCents]));
    const wrong = confirmed(writes, 'order').filter(
      ({ createdId, totalCents }) => totals.get(createdId!) !== totalCents,
    );
    return [
      ...creations('order', writes, rows),
      ...wrong.map(
        ({ createdId, totalCents }) => `Order ${createdId} has the total ${totals.get(createdId!)}, not ${totalCents}`,
      ),
    ];
  },

  'every adjustment that was answered 201 is posted once, and no other is posted': ({ writes, entries }) => {
    const adjustments = entries.filter(({ kind }) => kind === 'adjustment');
    const rows = adjustments.map(({ books, number, memo }) => ({ books, createdId: String(number), subject: memo! }));
    return creations('adjust', writes, rows);
  },

  'every payment that was answered 200 has exactly one entry with the total': ({ writes, orders, entries }) => {
    const rows = byKey(orders, ({ id }) => id);
    const paid = byKey(entries.filter(isOf('order.paid')), ({ sourceId }) => sourceId!);
    return confirmed(writes, 'pay').flatMap(({ subject }) => {
      const [order] = rows.get(subject) ?? [];
      if (!order) return `Order ${subject} was paid and does not exist`;
      if (!order.isPaid) return `Order ${subject} was paid and is ${order.status}`;
      const posted = paid.get(subject) ?? [];
      if (posted.length !== postings(order)) return `Order ${subject} was paid and has ${posted.length} payments`;
      return posted.some((entry) => cash(entry, order.currency) !== order.totalCents)
        ? `The payment of order ${subject} is not ${order.totalCents} ${order.currency}`
        : [];
    });
  },

  'every cancellation that was answered 200 is final, and reverses the payment of a paid order once': ({
    writes,
    orders,
    entries,
  }) => {
    const rows = byKey(orders, ({ id }) => id);
    const reversals = byKey(entries.filter(isOf('order.cancelled')), ({ sourceId }) => sourceId!);
    return confirmed(writes, 'cancel').flatMap(({ subject }) => {
      const [order] = rows.get(subject) ?? [];
      if (order?.status !== 'cancelled') return `Order ${subject} was cancelled and is ${order?.status}`;
      const posted = reversals.get(subject)?.length ?? 0;
      const wanted = order.isPaid ? postings(order) : 0;
      return posted === wanted ? [] : `Order ${subject} was cancelled and has ${posted} reversals, not ${wanted}`;
    });
  },

  'every shipment that was answered 200 is final, and no transition of an order succeeds twice': ({
    writes,
    orders,
  }) => {
    const rows = byKey(orders, ({ id }) => id);
    const moves = (['pay', 'ship', 'cancel'] as const).flatMap((kind) => confirmed(writes, kind));
    const repeated = [...byKey(moves, ({ kind, subject }) => `${kind} of order ${subject}`)];
    return [
      ...confirmed(writes, 'ship').flatMap(({ subject }) => {
        const status = rows.get(subject)?.[0]?.status;
        return status === 'shipped' ? [] : `Order ${subject} was shipped and is ${status}`;
      }),
      ...repeated.flatMap(([name, all]) => (all.length > 1 ? `The ${name} succeeded ${all.length} times` : [])),
    ];
  },

  'the status of every order agrees with its entries': ({ orders, entries }) => {
    const posted = byKey(
      entries.filter(({ sourceId }) => sourceId !== null),
      ({ sourceId }) => sourceId!,
    );
    const unknown = new Set(posted.keys());
    const wrong = orders.flatMap((order) => {
      unknown.delete(order.id);
      const kinds = (posted.get(order.id) ?? []).map(({ kind }) => kind).join(', ');
      const wanted = kindsOf(order).join(', ');
      return kinds === wanted
        ? []
        : `Order ${order.id} is ${order.status} with the entries [${kinds}], not [${wanted}]`;
    });
    return [...wrong, ...[...unknown].map((id) => `Order ${id} has entries and does not exist`)];
  },

  'every reversal that was answered 201 is posted, once per entry, and undoes the entry': ({ writes, entries }) => {
    const originals = byKey(entries, ({ books, number }) => `${books} ${number}`);
    const reversals = entries.filter(({ reverses }) => reverses !== null);
    const byOriginal = byKey(reversals, ({ books, reverses }) => `${books} ${reverses}`);
    return [
      ...confirmed(writes, 'reverse').flatMap(({ books, subject, createdId }) => {
        const numbers = (byOriginal.get(`${books} ${subject}`) ?? []).map(({ number }) => number);
        return numbers.join() === createdId
          ? []
          : `Entry ${subject} was reversed by ${createdId}; its reversals are [${numbers.join()}]`;
      }),
      ...[...byOriginal].flatMap(([key, all]) => {
        if (all.length > 1) return `Entry ${key} has ${all.length} reversals`;
        const [original] = originals.get(key) ?? [];
        return original && undoes(all[0]!, original) ? [] : `Entry ${all[0]!.number} does not undo entry ${key}`;
      }),
    ];
  },

  'every entry, and each currency of each account, sums to 0': ({ entries }) => [
    ...entries.flatMap((entry) => unbalanced([entry]).map((sum) => `Entry ${entry.books} ${entry.number}: ${sum}`)),
    ...entries.flatMap(({ books, number, lines }) => (lines.length === 0 ? `Entry ${books} ${number} is empty` : [])),
    ...[...byKey(entries, ({ books }) => books)].flatMap(([books, all]) =>
      unbalanced(all).map((sum) => `Books ${books}: ${sum}`),
    ),
  ],

  'entry numbers of an account have no gap and no repeat, and follow the times of recording': ({ entries }) =>
    [...byKey(entries, ({ books }) => books).values()].flatMap((all) =>
      all
        .toSorted((a, b) => a.number - b.number)
        .flatMap((entry, index, sorted) => {
          if (entry.number !== index + 1) return `Entry ${index + 1} of ${entry.books} has the number ${entry.number}`;
          const before = sorted[index - 1]?.recordedAtMs ?? 0;
          return entry.recordedAtMs < before ? `Entry ${entry.number} was recorded before the previous one` : [];
        }),
    ),

  'a confirmed close of a month is final, and nothing is posted into the month afterwards': ({
    writes,
    periods,
    entries,
  }) => {
    const closed = new Map(periods.map(({ books, month, closedAtMs }) => [`${books} ${month}`, closedAtMs]));
    return [
      ...confirmed(writes, 'close').flatMap(({ books, subject }) =>
        closed.has(`${books} ${subject}`) ? [] : `${subject} of ${books} was closed and is open`,
      ),
      ...entries.flatMap(({ books, number, month, recordedAtMs }) =>
        recordedAtMs > (closed.get(`${books} ${month}`) ?? Infinity)
          ? `Entry ${number} of ${books} was posted into ${month}, which was closed`
          : [],
      ),
    ];
  },

  'an entry without a time takes effect when it is recorded': ({ entries }) =>
    entries.flatMap(({ books, number, kind, effectiveAtMs, recordedAtMs }) => {
      const isLate = Math.abs(recordedAtMs - effectiveAtMs) > MAX_WAIT_MS;
      return kind !== 'adjustment' && isLate ? `Entry ${number} of ${books} takes effect at another time` : [];
    }),

  'the summary equals a recount of the orders': (history) =>
    history.summaries.flatMap((summary) => {
      const [reported, recounted] = [summary.rows, recount(history, summary)].map((rows) =>
        rows.map((row) => `${row.customer_id} has ${row.order_count} orders of ${row.total_cents}`),
      ) as [string[], string[]];
      const place = recounted.findIndex((row, index) => row !== reported[index]);
      if (place < 0 && reported.length === recounted.length) return [];
      const name = `The summary of ${summary.books} in ${summary.currency}`;
      return place < 0
        ? `${name} has ${reported.length} rows, not ${recounted.length}`
        : `${name} says "${reported[place]}" in row ${place + 1}, not "${recounted[place]}"`;
    }),

  '`daybook books verify` finds nothing': ({ verification: { exitCode, output } }) =>
    exitCode === 0 ? [] : [`Exit code ${exitCode}: ${output}`],

  'writers get only responses that they can act on': ({ writes }) =>
    writes.flatMap(({ kind, subject, statuses }) =>
      statuses
        .filter((status) => !EXPECTED.has(status))
        .map((status) => `The ${kind} of ${subject} was answered ${status}`),
    ),
};

/** Returns every violation of a rule in a history. Pure. */
export function checkBooks(history: BookHistory): Violation[] {
  return Object.entries(BOOK_RULES).flatMap(([rule, broken]) => broken(history).map((what) => ({ rule, what })));
}

/** Returns the writes of a kind that succeeded. */
export function confirmed(writes: Write[], kind: Write['kind']): Write[] {
  return writes.filter((write) => write.kind === kind && [200, 201].includes(write.statuses.at(-1) ?? 0));
}

interface Created {
  books: string;
  /** The id that the response named. */
  createdId: string;
  subject: string;
}

function creations(kind: Write['kind'], writes: Write[], rows: Created[]): string[] {
  const sent = new Set(
    writes.filter((write) => write.kind === kind).map(({ books, subject }) => `${books} ${subject}`),
  );
  const bySubject = byKey(rows, ({ books, subject }) => `${books} ${subject}`);
  return [
    ...confirmed(writes, kind).flatMap(({ books, subject, createdId }) =>
      (bySubject.get(`${books} ${subject}`) ?? []).some((row) => row.createdId === createdId)
        ? []
        : `${kind} ${subject} was answered as ${createdId}, which does not exist`,
    ),
    ...[...bySubject].flatMap(([key, all]) => {
      if (!sent.has(key)) return `No writer sent the ${kind} ${key}`;
      return all.length > 1 ? `The ${kind} ${key} exists ${all.length} times` : [];
    }),
  ];
}

const isOf =
  (kind: string) =>
  (entry: EntryRow): boolean =>
    entry.kind === kind;

/** An order of 0 posts nothing. */
const postings = ({ totalCents }: OrderRow): number => (totalCents > 0 ? 1 : 0);

function kindsOf(order: OrderRow): string[] {
  if (!order.isPaid || postings(order) === 0) return [];
  return order.status === 'cancelled' ? ['order.paid', 'order.cancelled'] : ['order.paid'];
}

function cash({ lines }: EntryRow, currency: string): number {
  const own = lines.filter((line) => line.ledgerAccount === 'assets:cash' && line.currency === currency);
  return own.reduce((sum, { amountCents }) => sum + amountCents, 0);
}

function undoes(reversal: EntryRow, original: EntryRow): boolean {
  const text = ({ lines }: EntryRow, sign: number) =>
    JSON.stringify(lines.map((line) => [line.ledgerAccount, line.currency, sign * line.amountCents]));
  return text(reversal, -1) === text(original, 1);
}

function unbalanced(entries: EntryRow[]): string[] {
  const sums = new Map<string, number>();
  for (const { currency, amountCents } of entries.flatMap(({ lines }) => lines)) {
    sums.set(currency, (sums.get(currency) ?? 0) + amountCents);
  }
  return [...sums].flatMap(([currency, sum]) => (sum === 0 ? [] : `${currency} sums to ${sum}`));
}

/** Computes the rows of a summary from the orders. */
function recount({ customers, orders }: BookHistory, { books, currency, limit }: Summary): SummaryRow[] {
  const active = new Set(customers.filter(({ isActive }) => isActive).map(({ id }) => id));
  const counted = orders.filter(
    (order) =>
      order.books === books &&
      order.currency === currency &&
      !order.isArchived &&
      active.has(order.customerId) &&
      (order.status === 'paid' || order.status === 'shipped'),
  );
  const rows = [...byKey(counted, ({ customerId }) => customerId)].map(([customer_id, all]) => {
    return { customer_id, order_count: all.length, total_cents: all.reduce((sum, order) => sum + order.totalCents, 0) };
  });
  const ranked = rows.toSorted((a, b) => b.total_cents - a.total_cents || (a.customer_id < b.customer_id ? -1 : 1));
  return ranked.slice(0, limit);
}

function byKey<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

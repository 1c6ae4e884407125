import type { Stores } from '../support/stores.js';

/** A line of the journal with its entry, and what its order or booking has kept. Amounts are exact. */
interface Line {
  number: number;
  effective_at: Date;
  recorded_at: Date;
  kind: string;
  source_type: string | null;
  source_id: string | null;
  reverses: number | null;
  memo: string | null;
  line: number;
  ledger_account: string;
  currency: string;
  amount: bigint;
  customer_id: string | null;
}
interface Order {
  id: string;
  customer_id: string;
  customer_email: string;
  currency: string;
  items: { position: number; sku: string; quantity: number; unit_price_cents: number }[];
}
interface Booking {
  id: string;
  event_id: string;
  event_title: string;
  num_tickets: number;
}

/** The parameters of a report, with instants. */
export interface Asked {
  from: Date;
  to: Date;
  through: number;
  currency?: string;
  ledgerAccount?: string;
  customerId?: string;
}

type Value = string | number | bigint | null;
export type Counted = Record<string, Value>;
/** The rows of a report and its totals; amounts are bigints of minor units, in fields that end in `_cents`. */
export interface Recounted {
  rows: Counted[];
  totals: Counted[];
}

const sum = (values: bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
const amounts = (lines: Line[]): bigint => sum(lines.map(({ amount }) => amount));
const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Groups by some fields, in the order of their values. */
function grouped<Row>(rows: Row[], keyOf: (row: Row) => Counted): [Counted, Row[]][] {
  const groups = new Map<string, [Counted, Row[]]>();
  for (const row of rows) {
    const key = keyOf(row);
    const name = Object.values(key).join('\n');
    groups.set(name, [key, [...(groups.get(name)?.[1] ?? []), row]]);
  }
  return [...groups].sort(([a], [b]) => byBytes(a, b)).map(([, group]) => group);
}

const merged = (a: Counted, b: Counted): Counted => ({ ...a, ...b });

const byCurrency = ({ currency }: { currency: string }): Counted => ({ currency });

/** Counts the reports over the books of an account again, from its rows, without any of the SQL of the reports. */
export class Recount {
  private constructor(
    private readonly lines: Line[],
    private readonly orders: Map<string, Order>,
    private readonly bookings: Map<string, Booking>,
  ) {}

  static async of(stores: Stores, account: string): Promise<Recount> {
    const lines = await stores.sql<Line & { amount_cents: string }>(
      'SELECT *, amount_cents::text FROM journal_entries JOIN journal_lines USING (account_id, number) WHERE account_id = $1',
      [account],
    );
    const items = `(SELECT json_agg(i ORDER BY position) FROM order_items i WHERE order_id = o.id) AS items`;
    const orders = await stores.sql<Order>(`SELECT o.*, ${items} FROM orders o WHERE account_id = $1`, [account]);
    const bookings = await stores.sql<Booking>('SELECT * FROM bookings WHERE account_id = $1', [account]);
    return new Recount(
      lines.map((line) => Object.assign(line, { amount: BigInt(line.amount_cents) })),
      new Map(orders.map((order) => [order.id, order])),
      new Map(bookings.map((booking) => [booking.id, booking])),
    );
  }

  /** The number of the newest entry. */
  get newest(): number {
    return Math.max(0, ...this.lines.map(({ number }) => number));
  }

  /** @param report The name of its type. */
  of(report: string, asked: Asked): Recounted {
    return this[report as 'journal'](asked);
  }

  /** The lines that count before the end of the interval, in the order of their numbers. */
  private posted({ to, through, currency }: Asked): Line[] {
    return this.lines
      .filter(
        (line) => line.number <= through && line.effective_at < to && [undefined, line.currency].includes(currency),
      )
      .sort((a, b) => a.number - b.number || a.line - b.line);
  }

  private within(asked: Asked): Line[] {
    return this.posted(asked).filter((line) => line.effective_at >= asked.from);
  }

  journal(asked: Asked): Recounted {
    const rows = this.within(asked).map((line) => ({
      number: line.number,
      line: line.line,
      effective_at: line.effective_at.toISOString(),
      recorded_at: line.recorded_at.toISOString(),
      kind: line.kind,
      source_type: line.source_type,
      source_id: line.source_id,
      reverses: line.reverses,
      memo: line.memo,
      ledger_account: line.ledger_account,
      customer_id: line.customer_id,
      currency: line.currency,
      amount_cents: line.amount,
    }));
    const totals = grouped(this.within(asked), byCurrency).map(([key, lines]) =>
      merged(key, {
        lines: lines.length,
        debits_cents: amounts(lines.filter(({ amount }) => amount > 0n)),
        credits_cents: -amounts(lines.filter(({ amount }) => amount < 0n)),
      }),
    );
    return { rows, totals };
  }

  private sums(
    lines: Line[],
    { from }: Asked,
  ): Record<`${'opening' | 'debits' | 'credits' | 'closing'}_cents`, bigint> {
    const within = lines.filter((line) => line.effective_at >= from);
    return {
      opening_cents: amounts(lines.filter((line) => line.effective_at < from)),
      debits_cents: amounts(within.filter(({ amount }) => amount > 0n)),
      credits_cents: -amounts(within.filter(({ amount }) => amount < 0n)),
      closing_cents: amounts(lines),
    };
  }

  'trial-balance'(asked: Asked): Recounted {
    const rowOf = ([key, lines]: [Counted, Line[]]): Counted => {
      const { closing_cents, ...sums } = this.sums(lines, asked);
      return { ...key, ...sums, net_cents: sums.debits_cents - sums.credits_cents, closing_cents };
    };
    const lines = this.posted(asked);
    const rows = grouped(lines, ({ ledger_account, currency }) => ({ ledger_account, currency })).map(rowOf);
    return { rows, totals: grouped(lines, byCurrency).map(rowOf) };
  }

  private statement(asked: Asked, lines: Line[], keyOf: (line: Line) => Counted, left: string): Recounted {
    const balances = new Map<string, bigint>();
    const inTime = [...lines].sort(
      (a, b) => a.effective_at.getTime() - b.effective_at.getTime() || a.number - b.number || a.line - b.line,
    );
    const rows = inTime.flatMap((line) => {
      const key = Object.values(keyOf(line)).join();
      const balance = (balances.get(key) ?? 0n) + line.amount;
      balances.set(key, balance);
      if (line.effective_at < asked.from) return [];
      const { effective_at, number, kind, source_type, source_id, memo, ledger_account, customer_id, currency } = line;
      const row: Counted = {
        effective_at: effective_at.toISOString(),
        number,
        line: line.line,
        kind,
        source_type,
        source_id,
        memo,
      };
      Object.assign(row, { ledger_account, customer_id, currency, amount_cents: line.amount, balance_cents: balance });
      delete row[left];
      return [row];
    });
    return { rows, totals: grouped(lines, keyOf).map(([key, group]) => merged(key, this.sums(group, asked))) };
  }

  'account-statement'(asked: Asked): Recounted {
    const lines = this.posted(asked).filter((line) => line.ledger_account === asked.ledgerAccount);
    return this.statement(asked, lines, byCurrency, 'ledger_account');
  }

  'customer-statement'(asked: Asked): Recounted {
    const lines = this.posted(asked).filter((line) => line.customer_id === asked.customerId);
    const keyOf = ({ ledger_account, currency }: Line): Counted => ({ ledger_account, currency });
    return this.statement(asked, lines, keyOf, 'customer_id');
  }

  /** The lines of a kind of income that sales and their cancellations posted. */
  private income(asked: Asked, kinds: string[], ledgerAccount: string): Line[] {
    return this.within(asked).filter((line) => kinds.includes(line.kind) && line.ledger_account === ledgerAccount);
  }

  private orderLines(asked: Asked): Line[] {
    return this.income(asked, ['order.paid', 'order.cancelled'], 'income:orders');
  }

  'orders-ledger'(asked: Asked): Recounted {
    const lines = this.orderLines(asked);
    const rows = lines.flatMap(({ number, effective_at, kind, source_id }) => {
      const order = this.orders.get(source_id!)!;
      const sign = kind === 'order.paid' ? 1 : -1;
      return order.items.map((item) => ({
        number,
        effective_at: effective_at.toISOString(),
        kind,
        order_id: order.id,
        customer_id: order.customer_id,
        customer_email: order.customer_email,
        item: item.position,
        sku: item.sku,
        quantity: sign * item.quantity,
        currency: order.currency,
        unit_price_cents: BigInt(item.unit_price_cents),
        line_total_cents: BigInt(sign * item.quantity * item.unit_price_cents),
      }));
    });
    const totals = grouped(lines, byCurrency).map(([key, group]) =>
      merged(key, {
        orders: group.filter(({ kind }) => kind === 'order.paid').length,
        cancellations: group.filter(({ kind }) => kind === 'order.cancelled').length,
        income_cents: -amounts(group),
      }),
    );
    return { rows, totals };
  }

  'orders-summary'(asked: Asked): Recounted {
    const sumsOf = (lines: Line[]): Counted => {
      const paid = lines.filter(({ kind }) => kind === 'order.paid');
      const cancelled = lines.filter(({ kind }) => kind === 'order.cancelled');
      const [gross, refunds] = [-amounts(paid), amounts(cancelled)];
      const counts = { orders: paid.length, cancellations: cancelled.length };
      return { ...counts, gross_cents: gross, refunds_cents: refunds, net_cents: gross - refunds };
    };
    const lines = this.orderLines(asked);
    const groups = grouped(lines, ({ customer_id, currency }) => ({ customer_id, currency }));
    const rows = groups.map(([{ customer_id, currency }, group]) => {
      const { customer_email } = this.orders.get(group.at(-1)!.source_id!)!;
      return merged({ customer_id: customer_id!, customer_email, currency: currency! }, sumsOf(group));
    });
    return { rows, totals: grouped(lines, byCurrency).map(([key, group]) => merged(key, sumsOf(group))) };
  }

  'event-sales'(asked: Asked): Recounted {
    const bookingOf = ({ source_id }: Line): Booking => this.bookings.get(source_id!)!;
    const sumsOf = (lines: Line[]): Counted => {
      const sold = lines.filter(({ kind }) => kind === 'ticket.sold');
      const cancelled = lines.filter(({ kind }) => kind === 'ticket.cancelled');
      const ticketsOf = (group: Line[]): number =>
        group.reduce((total, line) => total + bookingOf(line).num_tickets, 0);
      return {
        bookings: sold.length,
        tickets: ticketsOf(sold),
        revenue_cents: -amounts(sold),
        cancellations: cancelled.length,
        cancelled_tickets: ticketsOf(cancelled),
        refunds_cents: amounts(cancelled),
        net_cents: -amounts(lines),
      };
    };
    const lines = this.income(asked, ['ticket.sold', 'ticket.cancelled'], 'income:tickets');
    const groups = grouped(lines, (line) => ({ event_id: bookingOf(line).event_id, currency: line.currency }));
    const rows = groups.map(([{ event_id, currency }, group]) => {
      const { event_title } = bookingOf(group.at(-1)!);
      return merged({ event_id: event_id!, event_title, currency: currency! }, sumsOf(group));
    });
    return { rows, totals: grouped(lines, byCurrency).map(([key, group]) => merged(key, sumsOf(group))) };
  }
}

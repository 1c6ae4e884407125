import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, ask } from '../answer.js';
import { Random } from '../random.js';
import type { OrderMove, Write, WriteKind } from './book-history.js';

export const CURRENCIES = ['USD', 'EUR', 'JPY'] as const;
/** How long a writer repeats a change that got no clear response. */
const PATIENCE_MS = 90_000;
/** The number of recent orders, entries and customers that writers choose from. It is small, so writers collide. */
const POOL = 100;

/** The books of one account. */
export interface Account {
  /** Account id, as in the tables. */
  id: string;
  /** Sent with every request. */
  headers: Record<string, string>;
}

export interface WriterOptions {
  seed: number;
  writers: number;
  accounts: Account[];
  /** Returns the current URLs of the API processes. */
  apis: () => string[];
  /** The longest pause between two changes of a writer. */
  pauseMs: number;
}

/** Ids that the writers of an account can use in further changes. */
class Known {
  readonly customers = new Pool<string>();
  readonly drafts = new Pool<string>();
  readonly paid = new Pool<string>();
  readonly adjustments = new Pool<number>();
}

/** The newest members, up to {@link POOL}. */
class Pool<T> {
  private readonly members: T[] = [];

  add(member: T): void {
    this.members.push(member);
    if (this.members.length > POOL) this.members.shift();
  }

  /**
   * Returns a random member, or undefined. Removes it in 85% of the calls; otherwise two writers may take the same one.
   */
  take(random: Random): T | undefined {
    const index = random.between(0, this.members.length - 1);
    return random.percent(85) ? this.members.splice(index, 1)[0] : this.members[index];
  }

  pick(random: Random): T | undefined {
    return random.pick(this.members);
  }
}

interface Asked {
  kind: WriteKind;
  subject: string;
  totalCents?: number;
  method?: string;
  path: string;
  body?: object;
  /** Creations have an idempotency key, so a repeat creates nothing. */
  isKeyed?: boolean;
}

type Change = (writer: Writer) => Promise<void> | undefined;

interface Writer {
  random: Random;
  name: string;
  account: Account;
  known: Known;
}

/**
 * Writers of books. Each sends one change after the other until `stop()`: it creates customers and orders, moves orders
 * through their states, posts and reverses adjustments, and sometimes closes a past month. It repeats a change without
 * a clear response, at any API process.
 */
export class BookWriters {
  readonly writes: Write[] = [];
  private isStopping = false;
  private created = 0;
  private readonly running: Promise<void>[];
  /** Changes and their weights. */
  private readonly changes: [number, Change][] = [
    [60, (writer) => this.createCustomer(writer)],
    [300, (writer) => this.createOrder(writer)],
    [220, (writer) => this.move(writer, 'pay', writer.known.drafts)],
    [70, (writer) => this.move(writer, 'ship', writer.known.paid)],
    [70, (writer) => this.move(writer, 'cancel', writer.known.paid)],
    [50, (writer) => this.move(writer, 'cancel', writer.known.drafts)],
    [30, (writer) => this.archive(writer)],
    [20, (writer) => this.changeCustomer(writer)],
    [110, (writer) => this.adjust(writer)],
    [65, (writer) => this.reverse(writer)],
    [5, (writer) => this.close(writer)],
  ];

  constructor(private readonly options: WriterOptions) {
    const { seed, writers, accounts } = options;
    const known = accounts.map(() => new Known());
    this.running = Array.from({ length: writers }, (_, index) => {
      const place = index % accounts.length;
      const random = new Random(seed + 1_000 + index);
      return this.run({ random, name: `writer-${index}`, account: accounts[place]!, known: known[place]! });
    });
  }

  /** Resolves when each writer has the response to its last change. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.running);
  }

  private async run(writer: Writer): Promise<void> {
    while (!this.isStopping) {
      await this.choose(writer.random)(writer);
      await sleep(writer.random.between(0, this.options.pauseMs));
    }
  }

  private choose(random: Random): Change {
    let left = random.between(
      1,
      this.changes.reduce((sum, [weight]) => sum + weight, 0),
    );
    return this.changes.find(([weight]) => (left -= weight) <= 0)![1];
  }

  private async createCustomer(writer: Writer): Promise<void> {
    const email = `${this.newName(writer)}@customers.example`;
    const body = { name: 'Acme Ltd', email };
    const answer = await this.send(writer, {
      kind: 'customer',
      subject: email,
      path: '/api/customers',
      body,
      isKeyed: true,
    });
    if (answer.status === 201) writer.known.customers.add(answer.body.id);
  }

  private createOrder(writer: Writer): Promise<void> | undefined {
    const { random, known } = writer;
    const customer = known.customers.pick(random);
    if (customer === undefined) return this.createCustomer(writer);
    // Orders with a total of 0 post nothing.
    const highest = random.percent(3) ? 0 : 20_000;
    const items = Array.from({ length: random.between(1, 4) }, (_, index) => ({
      sku: `S-${index}`,
      quantity: random.between(1, 5),
      unit_price_cents: random.between(Math.min(1, highest), highest),
    }));
    const totalCents = items.reduce((sum, item) => sum + item.quantity * item.unit_price_cents, 0);
    return this.sendOrder(writer, customer, items, totalCents);
  }

  private async sendOrder(writer: Writer, customer: string, items: object[], totalCents: number): Promise<void> {
    const subject = this.newName(writer);
    const body = { customer_id: customer, currency: writer.random.pick(CURRENCIES), external_ref: subject, items };
    const asked: Asked = { kind: 'order', subject, totalCents, path: '/api/orders', body, isKeyed: true };
    const answer = await this.send(writer, asked);
    if (answer.status === 201) writer.known.drafts.add(answer.body.id);
  }

  private async move(writer: Writer, kind: OrderMove, pool: Pool<string>): Promise<void> {
    const id = pool.take(writer.random);
    if (id === undefined) return this.createOrder(writer);
    const { status } = await this.send(writer, { kind, subject: id, path: `/api/orders/${id}/${kind}` });
    if (kind === 'pay' && status === 200) writer.known.paid.add(id);
  }

  private async archive(writer: Writer): Promise<void> {
    const { random, known } = writer;
    const id = (random.percent(50) ? known.paid : known.drafts).pick(random);
    if (id === undefined) return;
    const path = `/api/orders/${id}/${random.percent(60) ? 'archive' : 'unarchive'}`;
    await this.send(writer, { kind: 'archive', subject: id, path });
  }

  private async changeCustomer(writer: Writer): Promise<void> {
    const id = writer.known.customers.pick(writer.random);
    if (id === undefined) return;
    const body = { name: 'Acme Inc', is_active: writer.random.percent(70) };
    await this.send(writer, { kind: 'change', subject: id, method: 'PATCH', path: `/api/customers/${id}`, body });
  }

  private async adjust(writer: Writer): Promise<void> {
    const { random } = writer;
    const memo = this.newName(writer);
    const time = random.percent(20) ? new Date().toISOString() : `${pastMonth(random)}-15T12:00:00.000Z`;
    const customer = random.percent(30) ? writer.known.customers.pick(random) : undefined;
    const currencies = random.shuffled(CURRENCIES).slice(0, random.between(1, 2));
    const lines = currencies.flatMap((currency) => transfer(currency, random.between(1, 9_999), customer));
    const body = { effective_at: time, memo, lines };
    const asked: Asked = { kind: 'adjust', subject: memo, path: '/api/journal/entries', body, isKeyed: true };
    const answer = await this.send(writer, asked);
    if (answer.status === 201) writer.known.adjustments.add(answer.body.number);
  }

  private async reverse(writer: Writer): Promise<void> {
    const number = writer.known.adjustments.take(writer.random);
    if (number === undefined) return this.adjust(writer);
    const path = `/api/journal/entries/${number}/reverse`;
    await this.send(writer, { kind: 'reverse', subject: String(number), path, body: {}, isKeyed: true });
  }

  private async close(writer: Writer): Promise<void> {
    const month = pastMonth(writer.random);
    await this.send(writer, { kind: 'close', subject: month, path: `/api/periods/${month}/close` });
  }

  private async send(writer: Writer, { kind, subject, totalCents, ...asked }: Asked): Promise<Answer> {
    const write: Write = { kind, books: writer.account.id, subject, totalCents, statuses: [], createdId: null };
    this.writes.push(write);
    const key = asked.isKeyed ? this.newName(writer) : null;
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.ask(writer, asked, key);
      write.statuses.push(answer.status);
      write.createdId = createdIdOf(answer);
      if (!isUnclear(answer) || performance.now() > giveUpAtMs) return answer;
      await sleep(writer.random.between(50, 600));
    }
  }

  private ask(
    { random, account }: Writer,
    { method = 'POST', path, body }: Pick<Asked, 'method' | 'path' | 'body'>,
    key: string | null,
  ): Promise<Answer> {
    const headers = {
      ...account.headers,
      ...(body && { 'content-type': 'application/json' }),
      ...(key !== null && { 'idempotency-key': key }),
    };
    const url = random.pick(this.options.apis()) + path;
    return ask(url, { method, headers, body: body && JSON.stringify(body) });
  }

  private newName({ name }: Writer): string {
    return `${name}-${++this.created}`;
  }
}

/** A random month of 2000 to 2019. Some of these months are closed and others stay open. */
function pastMonth(random: Random): string {
  return `${random.between(2_000, 2_019)}-${String(random.between(1, 12)).padStart(2, '0')}`;
}

function transfer(currency: string, cents: number, customer: string | undefined): object[] {
  const line = { currency, ...(customer && { customer_id: customer }) };
  return [
    { ...line, ledger_account: 'expenses:fees', amount_cents: cents },
    { ...line, ledger_account: 'assets:cash', amount_cents: -cents },
  ];
}

function createdIdOf({ status, body }: Answer): string | null {
  return status === 201 ? String(body.id ?? body.number) : null;
}

/** True for no response, 503, or a first request with the same key that is still running. */
function isUnclear({ status, body }: Answer): boolean {
  return (
    status === null || status === 503 || (status === 409 && String(body.type).endsWith('idempotency-key-in-progress'))
  );
}

import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { DataSource } from 'typeorm';
import { dataSourceOptions, migrate } from '../../src/app/data-source.js';
import { Customer } from '../../src/books/customers/customer.entity.js';
import { CustomerRepository } from '../../src/books/customers/customer.repository.js';
import { CustomerTotalsStore } from '../../src/books/customers/customer-totals.store.js';
import { BalancesService } from '../../src/books/journal/balances/balances.service.js';
import { BalancesStore } from '../../src/books/journal/balances/balances.store.js';
import { FoldsStore } from '../../src/books/journal/balances/folds.store.js';
import { JournalStore } from '../../src/books/journal/journal.store.js';
import { Order } from '../../src/books/orders/order.entity.js';
import { OrderRepository } from '../../src/books/orders/order.repository.js';
import { OrderStore } from '../../src/books/orders/order.store.js';
import { OrdersService } from '../../src/books/orders/orders.service.js';
import { SeedStore } from '../../src/books/seed/seed.store.js';
import { Seeder } from '../../src/books/seed/seeder.js';
import { Database } from '../../src/platform/database/database.js';
import { IdempotencyRecord } from '../../src/requests/idempotency/idempotency-key.entity.js';
import { IdempotencyRepository } from '../../src/requests/idempotency/idempotency.repository.js';
import { IdempotencyService } from '../../src/requests/idempotency/idempotency.service.js';
import { RequestRecord } from '../../src/requests/request.entity.js';
import { RequestRepository } from '../../src/requests/request.repository.js';
import { type OwnDatabase, withDatabase } from '../support/servers.js';
import { medianMs, msOf, shown } from '../support/timing.js';
import type { Measurement } from './measurement.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

const SETTINGS = { DATABASE_PREPARE: true, NODE_ENV: 'development', BASE_CURRENCY: 'USD' };
const TOP = 50;

/** Numbers of orders and customers. */
export interface BooksSizes {
  /** Orders of the comparison with COPY, with three items each. */
  seededOrders: number;
  orders: number;
  customers: number;
}

const FULL: BooksSizes = { seededOrders: 100_000, orders: 1_000_000, customers: 10_000 };
const DEFAULT_SEED = { customers: 100, orders: 500, itemsPerOrder: 3, seed: 1 };

/** The query that the totals replace. */
const JOIN_AND_AGGREGATE = `SELECT c.id AS customer_id, c.email, count(DISTINCT o.id)::integer AS order_count,
    sum(i.line_total_cents) AS total_cents
  FROM customers c JOIN orders o ON o.account_id = c.account_id AND o.customer_id = c.id
    JOIN order_items i ON i.order_id = o.id
  WHERE c.account_id = $1 AND c.is_active AND o.currency = 'USD' AND o.status IN ('paid', 'shipped') AND NOT o.is_archived
  GROUP BY c.id ORDER BY total_cents DESC, c.id LIMIT ${TOP}`;

/** The tables that seeding fills, in the order of their foreign keys. */
const TABLES: Record<string, string> = {
  customers: '*',
  orders: '*',
  // Without the generated column.
  order_items: 'id, order_id, position, sku, quantity, unit_price_cents',
  customer_totals: '*',
  journal_entries: '*',
  journal_lines: '*',
};
const ALL_TABLES = Object.keys(TABLES).join(', ');

/** Empties the books. Disables the triggers that refuse this; they remain disabled while COPY is measured. */
async function empty(client: Client, triggers: 'ENABLE ALWAYS' | 'DISABLE'): Promise<void> {
  for (const table of ['journal_entries', 'journal_lines'])
    await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ${table}_refuse_change`);
  await client.query(`TRUNCATE ${ALL_TABLES}, journal_counters`);
  for (const [table, checks] of [
    ['journal_entries', 'journal_entries_order'],
    ['journal_lines', 'journal_lines_balance'],
  ] as const) {
    await client.query(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_refuse_change`);
    await client.query(`ALTER TABLE ${table} ${triggers} TRIGGER ${checks}`);
  }
}

/** Seeds, then copies the same rows into the same tables with keys, checks and indexes but without triggers. */
async function seedingOverCopy({ client, folder }: OwnDatabase, seeder: Seeder, orders: number): Promise<Measurement> {
  const plan = { customers: Math.ceil(orders / 10), orders, itemsPerOrder: 3, seed: 2 };
  await empty(client, 'ENABLE ALWAYS');
  const seededMs = await msOf(() => seeder.writeInParts(OPEN_INSTALLATION, plan, () => undefined));
  const file = (table: string): string => join(folder, `${table}.copy`);
  for (const [table, columns] of Object.entries(TABLES)) {
    const out = client.query(copyTo(`COPY (SELECT ${columns} FROM ${table}) TO STDOUT`));
    await pipeline(out, createWriteStream(file(table)));
  }
  await empty(client, 'DISABLE');
  await client.query('CHECKPOINT');
  const copiedMs = await msOf(async () => {
    for (const [table, columns] of Object.entries(TABLES)) {
      const list = columns === '*' ? '' : `(${columns})`;
      await pipeline(createReadStream(file(table)), client.query(copyFrom(`COPY ${table} ${list} FROM STDIN`)));
    }
  });
  await empty(client, 'ENABLE ALWAYS');
  return {
    title: `Seeding ${orders.toLocaleString('en')} orders with three items each and their journal, over a bare COPY of the same rows`,
    result: `${(copiedMs / seededMs).toFixed(2)} (${Math.round((orders * 1_000) / seededMs).toLocaleString('en')} orders/s)`,
    target: '≥ 0.45',
  };
}

async function summary(client: Client, totals: CustomerTotalsStore, size: string): Promise<Measurement[]> {
  const ms = await medianMs(() => totals.top(OPEN_INSTALLATION, 'USD', TOP));
  const aggregated = await client.query(JOIN_AND_AGGREGATE, [OPEN_INSTALLATION]);
  const joinedMs = await msOf(() => client.query(JOIN_AND_AGGREGATE, [OPEN_INSTALLATION]));
  const kept = await totals.top(OPEN_INSTALLATION, 'USD', TOP);
  const isEqual = JSON.stringify(kept) === JSON.stringify(aggregated.rows);
  return [
    { title: `Summary of ${size}, round trip included`, result: shown(ms), target: '≤ 1 ms' },
    {
      title: 'The same by join and aggregate, over the summary',
      result: `${Math.round(joinedMs / ms).toLocaleString('en')} (${isEqual ? 'equal results' : 'results differ'})`,
      target: '≥ 1,000',
    },
  ];
}

async function lists(orders: OrdersService, client: Client, size: string): Promise<Measurement[]> {
  const { rows } = await client.query<{ email: string }>('SELECT email FROM customers ORDER BY id LIMIT 1');
  const by = (filter: object) => medianMs(() => orders.list(null, { isArchivedIncluded: false, limit: 50, ...filter }));
  const rare = await by({ email: rows[0]!.email.split('@')[0]! });
  const common = await by({ email: 'seed' });
  const absent = await by({ email: 'no-such-customer' });
  const short = await by({ email: 'ho' });
  const paid = await by({ status: 'paid' });
  const draft = await by({ status: 'draft' });
  return [
    {
      title: `Orders of ${size} by a rare, common and absent email`,
      result: shown(rare, common, absent),
      target: '≤ 5 ms',
    },
    { title: 'The same by two letters', result: shown(short), target: '≤ 20 ms' },
    { title: 'The same by the statuses paid and draft', result: shown(paid, draft), target: '≤ 5 ms' },
  ];
}

async function balances(database: Database, client: Client): Promise<Measurement[]> {
  const folds = new FoldsStore(database);
  while (await folds.fold(OPEN_INSTALLATION));
  const service = new BalancesService(database, new BalancesStore(), folds);
  const { rows } = await client.query<{ lines: string; newest: string }>(
    'SELECT count(*) AS lines, max(number) AS newest FROM journal_lines',
  );
  const now = await medianMs(() => service.view(null, {}));
  const asOf = await medianMs(() => service.view(null, { as_of: new Date('2025-07-01T12:00:00Z') }));
  const through = await medianMs(() => service.view(null, { through_entry: Math.floor(Number(rows[0]!.newest) / 2) }));
  const title = `Balances with ${Number(rows[0]!.lines).toLocaleString('en')} lines`;
  return [
    { title: `${title}, now`, result: shown(now), target: '≤ 5 ms' },
    { title: `${title}, as of an instant and through an entry`, result: shown(asOf, through), target: '≤ 50 ms' },
  ];
}

function ordersOf(dataSource: DataSource, database: Database): OrdersService {
  const idempotency = new IdempotencyService(
    new IdempotencyRepository(dataSource.getRepository(IdempotencyRecord)),
    new RequestRepository(dataSource.getRepository(RequestRecord)),
  );
  return new OrdersService(
    database,
    new OrderRepository(dataSource.getRepository(Order)),
    new OrderStore(),
    new CustomerRepository(dataSource.getRepository(Customer)),
    new CustomerTotalsStore(database),
    new JournalStore(),
    idempotency,
    SETTINGS,
  );
}

/** Seeding over COPY, and the summary, lists and balances of big books. */
export function books(sizes: BooksSizes = FULL): Promise<Measurement[]> {
  return withDatabase(async (own) => {
    const session = await migrate(own.url);
    const dataSource = await new DataSource(dataSourceOptions(own.url, 2, session)).initialize();
    try {
      const database = new Database(dataSource, SETTINGS);
      const seeder = new Seeder(database, new SeedStore(new JournalStore()), SETTINGS);
      const defaultMs = await medianMs(() =>
        database.inBulkTransaction((query, copy) => seeder.writeWithin(query, copy, OPEN_INSTALLATION, DEFAULT_SEED)),
      );
      const ratio = await seedingOverCopy(own, seeder, sizes.seededOrders);
      const { orders, customers } = sizes;
      await seeder.writeInParts(OPEN_INSTALLATION, { customers, orders, itemsPerOrder: 3, seed: 1 }, () => undefined);
      await own.client.query('VACUUM ANALYZE');
      await own.client.query('CHECKPOINT');
      const size = `${customers.toLocaleString('en')} customers with ${orders.toLocaleString('en')} orders`;
      return [
        { title: 'The default seed: 500 orders', result: shown(defaultMs), target: '≤ 100 ms' },
        ratio,
        ...(await summary(own.client, new CustomerTotalsStore(database), size)),
        ...(await lists(ordersOf(dataSource, database), own.client, size)),
        ...(await balances(database, own.client)),
      ];
    } finally {
      await dataSource.destroy();
    }
  });
}

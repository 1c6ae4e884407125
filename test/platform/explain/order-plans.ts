import { expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { CustomerTotalsStore } from '../../../src/books/customers/customer-totals.store.js';
import { Customer } from '../../../src/books/customers/customer.entity.js';
import { CustomerRepository } from '../../../src/books/customers/customer.repository.js';
import { JournalStore } from '../../../src/books/journal/journal.store.js';
import { LineCustomersStore } from '../../../src/books/journal/line-customers.store.js';
import { Order } from '../../../src/books/orders/order.entity.js';
import { OrderRepository } from '../../../src/books/orders/order.repository.js';
import { type NewItem, OrderStore } from '../../../src/books/orders/order.store.js';
import { SeedStore } from '../../../src/books/seed/seed.store.js';
import { BOOKS, CUSTOMERS, idOf, ORDERS } from './books-rows.js';
import type { Explained } from './explained.js';

/** A search by email reads the customers that match, and a page of orders with their items. */
const LISTED = 1_000;
const LIMIT = 51;

const items = (): NewItem[] => [1, 2, 3].map((quantity) => ({ id: uuidv7(), sku: 'a', quantity, unitPriceCents: 5 }));

/** Writing and reading customers and orders. */
export function orderPlans(explained: Explained): void {
  const customers = () => new CustomerRepository(explained.dataSource.getRepository(Customer));
  const orders = () => new OrderRepository(explained.dataSource.getRepository(Order));

  it('creating, changing and moving an order', () =>
    explained.expectCheap(async () => {
      const store = new OrderStore();
      const totals = new CustomerTotalsStore(explained.database);
      await explained.database.transaction(async (query) => {
        const [id, customerId] = [uuidv7(), idOf(5)];
        const order = { id, account: BOOKS, customerId, currency: 'USD', externalRef: 'new', placedAt: null };
        await store.create(query, { ...order, items: items() });
        await store.change(query, id, { externalRef: null, items: items() });
        const locked = (await store.lock(query, BOOKS, id))!;
        await store.pay(query, locked);
        await totals.add(query, BOOKS, [{ customerId, currency: 'USD', orders: 1, cents: 30 }]);
        expect(await new JournalStore().findNumber(query, BOOKS, id, 'order.paid')).toBeNull();
        await store.archive(query, locked, true);
        await store.cancel(query, locked);
        expect(await orders().findWithin(query, BOOKS, id)).toMatchObject({ status: 'cancelled', total_cents: 30 });
        await store.ship(query, (await store.lock(query, BOOKS, idOf(8)))!);
        return false;
      });
    }, 300));

  it('adding, changing and deleting a customer', () =>
    explained.expectCheap(async () => {
      const totals = new CustomerTotalsStore(explained.database);
      await explained.database.transaction(async (query) => {
        const customer = { id: uuidv7(), accountId: BOOKS, name: 'New', email: 'new@example.com', isActive: true };
        await customers().add(query, customer);
        await customers().change(query, BOOKS, idOf(5), { isActive: false });
        await totals.setActive(query, BOOKS, idOf(5), false);
        expect(await new LineCustomersStore().lock(query, BOOKS, [idOf(5), idOf(6)])).toEqual(
          new Set([idOf(5), idOf(6)]),
        );
        expect(await customers().remove(query, BOOKS, customer.id)).toBe(true);
        await new SeedStore(new JournalStore()).nextRun(query, BOOKS, 1, 'common-', '@example.com');
        return false;
      });
    }, 300));

  it('the summary', () =>
    explained.expectCheap(async () => {
      expect(await new CustomerTotalsStore(explained.database).top(BOOKS, 'USD', 50)).toHaveLength(50);
      expect(await new CustomerTotalsStore(explained.database).top(BOOKS, 'EUR', 50)).toEqual([]);
    }, 300));

  it('listing customers', () =>
    explained.expectCheap(async () => {
      expect(await customers().find(BOOKS, idOf(5))).toMatchObject({ name: 'Customer 5' });
      for (const beforeId of [undefined, idOf(CUSTOMERS / 2)]) {
        expect(await customers().list({ accountId: BOOKS, beforeId, limit: LIMIT })).toHaveLength(LIMIT);
        for (const email of ['common-', 'rare-', 'absent', 'om'])
          await customers().list({ accountId: BOOKS, email, beforeId, limit: LIMIT });
      }
    }, LISTED));

  it('finding the customers of an email', () =>
    explained.expectCheap(async () => {
      expect(await customers().idsByEmail(BOOKS, 'common-', 501)).toHaveLength(501);
      expect(await customers().idsByEmail(BOOKS, 'rare-', 501)).toHaveLength(CUSTOMERS / 5_000);
      expect(await customers().idsByEmail(BOOKS, 'absent', 501)).toEqual([]);
    }, LISTED));

  const filters = [
    {},
    { status: 'draft' as const },
    { status: 'cancelled' as const },
    { status: 'shipped' as const },
    { status: 'paid' as const },
    { customerId: idOf(5) },
    { customerId: idOf(CUSTOMERS + 1) },
    { email: 'common-' },
    { email: 'om', status: 'draft' as const },
    { customerIds: [7, 5_007].map(idOf) },
    { customerIds: [] },
    { placedFrom: new Date('2026-02-01T00:00:00Z'), placedTo: new Date('2026-02-01T08:00:00Z') },
    { placedFrom: new Date('2036-02-01T00:00:00Z') },
    { placedTo: new Date('2016-02-01T00:00:00Z'), status: 'paid' as const },
  ];
  it.each(filters)('listing the orders of %j', (filter) =>
    explained.expectCheap(async () => {
      for (const isArchivedIncluded of [false, true])
        for (const beforeId of [undefined, idOf(ORDERS / 2)])
          await orders().list({ accountId: BOOKS, ...filter, isArchivedIncluded, beforeId, limit: LIMIT });
    }),
  );

  it('listing the orders of five hundred customers', () =>
    explained.expectCheap(async () => {
      const customerIds = Array.from({ length: 500 }, (_, n) => idOf(n + 1));
      for (const status of [undefined, 'paid' as const])
        await orders().list({ accountId: BOOKS, customerIds, status, isArchivedIncluded: false, limit: LIMIT });
      // The newest order of each of them, and ten of each customer on the page.
    }, 4_000));
}

import { expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { BatchStore } from '../../../src/books/import/batch.store.js';
import { ImportsStore } from '../../../src/books/import/imports.store.js';
import { BOOKS, idOf, ORDERS } from './books-rows.js';
import type { Explained } from './explained.js';

/** Orders of a batch here. Adding each writes to the indexes of orders and items. */
const BATCH = 50;
const numbers = Array.from({ length: BATCH }, (_, n) => n + 1);

const newOrder = (n: number) => ({
  id: uuidv7(),
  customerId: idOf(n),
  status: 'draft' as const,
  currency: 'USD',
  externalRef: n % 2 === 0 ? `ref-${n}` : `new-${n}`,
  placedAt: new Date(),
  paidAt: null,
  cancelledAt: null,
  items: [{ id: uuidv7(), sku: 'a', quantity: 1, unitPriceCents: 5 }],
});

/** Importing orders, and what is kept of imports. */
export function importPlans(explained: Explained): void {
  it('importing a batch of orders', () =>
    explained.expectCheap(async () => {
      const store = new BatchStore();
      await explained.database.transaction(async (query) => {
        expect(
          (
            await store.knownRefs(
              query,
              BOOKS,
              numbers.map((n) => `ref-${n * 100}`),
            )
          ).size,
        ).toBe(BATCH);
        expect(await store.closedMonths(query, BOOKS, ['2026-01', '2026-02'])).toEqual(new Set());
        const emails = [...numbers.map((n) => `common-${n}@example.com`), 'new@example.com'];
        expect(
          (
            await store.lockCustomers(
              query,
              BOOKS,
              emails,
              numbers.map((n) => idOf(n + BATCH)),
            )
          ).length,
        ).toBeGreaterThan(BATCH);
        const customers = numbers.map((n) => ({ id: uuidv7(), name: 'New', email: `${n}@new.example` }));
        await store.addCustomers(query, BOOKS, customers);
        expect((await store.addOrders(query, BOOKS, numbers.map(newOrder))).size).toBe(BATCH / 2);
        return false;
      });
    }));

  it('starting, advancing, reading and deleting imports', () =>
    explained.expectCheap(async () => {
      const imports = new ImportsStore(explained.database);
      const id = uuidv7();
      await imports.start(BOOKS, id);
      await imports.heartbeat(id);
      await explained.database.transaction(async (query) => {
        expect(await imports.advance(query, id, { rows: 3, created: 2, duplicates: 0, failed: 1 })).toBe(true);
        await imports.addErrors(query, id, [{ row: 3, externalRef: null, field: 'sku', message: 'is missing' }], 0);
        return true;
      });
      expect(await imports.errors(id, 0, 100)).toHaveLength(1);
      await imports.finish(id, 'completed');
      expect(await imports.find(BOOKS, id)).toMatchObject({ status: 'completed' });
      expect(await imports.list(BOOKS, undefined, 51)).toHaveLength(51);
      expect(await imports.list(BOOKS, idOf(ORDERS), 51)).toHaveLength(51);
      expect(await imports.removeExpired(3_600_000 * 24 * 365, 100)).toBe(0);
      expect(await imports.removeExpired(3_600_000, 100)).toBe(100);
    }));
}

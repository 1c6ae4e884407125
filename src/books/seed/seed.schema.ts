import { z } from 'zod';

/** Orders and items of one request. It is one transaction, during which other postings of the account wait. */
const MAX_ORDERS = 200_000;
const MAX_ITEMS = 1_000_000;

/** The seed of the generated books: the same one gives the same books. */
const seedNumber = z.int().min(0).max(4_294_967_295);
export const itemsPerOrder = z.int().min(1).max(100);

/** The body is optional. */
export const seedBody = z
  .strictObject({
    customers: z.int().min(1).max(100_000).default(100),
    orders_per_customer: z.int().min(0).max(2_000).default(5),
    items_per_order: itemsPerOrder.default(3),
    seed: seedNumber.default(1).describe('The same seed gives the same books, apart from ids'),
  })
  .refine(({ customers, orders_per_customer }) => customers * orders_per_customer <= MAX_ORDERS, {
    path: ['orders_per_customer'],
    error: `customers × orders_per_customer must be at most ${MAX_ORDERS}`,
  })
  .refine(
    ({ customers, orders_per_customer, items_per_order }) =>
      customers * orders_per_customer * items_per_order <= MAX_ITEMS,
    {
      path: ['items_per_order'],
      error: `customers × orders_per_customer × items_per_order must be at most ${MAX_ITEMS}`,
    },
  )
  .prefault({})
  .meta({ id: 'SeedBody', example: { customers: 2, orders_per_customer: 2, items_per_order: 1, seed: 1 } });
export type SeedBody = z.infer<typeof seedBody>;

export const seeded = z.object({ customers: z.int(), orders: z.int(), items: z.int() }).meta({ id: 'SeededBooks' });

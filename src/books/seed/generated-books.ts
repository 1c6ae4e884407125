import { newId } from '../../platform/ids.js';
import { type DrawBelow, seededRandom } from '../../platform/seeded-random.js';
import type { OrderStatus } from '../orders/order.entity.js';

/** The books to generate. */
export interface SeedPlan {
  customers: number;
  /** Shared out among the customers as evenly as possible. */
  orders: number;
  itemsPerOrder: number;
  seed: number;
  currency: string;
}

export interface SeedItem {
  sku: string;
  quantity: number;
  unitPriceCents: number;
}

export interface SeedOrder {
  id: string;
  status: OrderStatus;
  /** Milliseconds since 1970, like the other times. */
  placedAt: number;
  paidAt: number | null;
  shippedAt: number | null;
  cancelledAt: number | null;
  totalCents: number;
  items: SeedItem[];
}

export interface SeedCustomer {
  id: string;
  name: string;
  /** The part of the email before the @. */
  mailbox: string;
  orders: SeedOrder[];
}

const FIRST_NAMES = [
  'Ada',
  'Alan',
  'Barbara',
  'Claude',
  'Donald',
  'Edsger',
  'Frances',
  'Grace',
  'Hedy',
  'Ida',
  'John',
  'Katherine',
];
const LAST_NAMES = [
  'Allen',
  'Backus',
  'Clarke',
  'Dijkstra',
  'Goldberg',
  'Hopper',
  'Johnson',
  'Knuth',
  'Lamarr',
  'Liskov',
  'Perlman',
  'Turing',
];

/** The moves of the orders, in turns, so that few orders have all statuses too. */
const MOVES: { status: OrderStatus; isPaid: boolean }[] = [
  { status: 'shipped', isPaid: true },
  { status: 'paid', isPaid: true },
  { status: 'draft', isPaid: false },
  { status: 'cancelled', isPaid: true },
  { status: 'shipped', isPaid: true },
  { status: 'paid', isPaid: true },
  { status: 'cancelled', isPaid: false },
  { status: 'shipped', isPaid: true },
];

/** All times are in this year, so that they do not depend on the time of seeding. */
const START_MS = Date.UTC(2025, 0, 1);
const HOUR_MS = 3_600_000;
/** Leaves room in the year for the payment, the shipment and the cancellation, each within three days. */
const PLACED_WITHIN_HOURS = 355 * 24;
const MOVED_WITHIN_MS = 3 * 24 * HOUR_MS;

const SKUS = 500;

/** Returns the index of a customer's first order: that many orders belong to the customers before. */
function ordersBefore({ customers, orders }: SeedPlan, customer: number): number {
  return Math.floor(orders / customers) * customer + Math.min(customer, orders % customers);
}

/**
 * Generates a customer with its orders. Apart from the ids, they depend only on the plan and the index, so that books can be
 * generated in parts of any size.
 */
export function generateCustomer(plan: SeedPlan, index: number): SeedCustomer {
  const below = seededRandom(JSON.stringify(['books', plan.seed, index]));
  const [first, last] = [FIRST_NAMES[below(FIRST_NAMES.length)]!, LAST_NAMES[below(LAST_NAMES.length)]!];
  const from = ordersBefore(plan, index);
  const orders = Array.from({ length: ordersBefore(plan, index + 1) - from }, (_, order) =>
    generateOrder(plan, below, from + order),
  );
  const mailbox = `${first}.${last}.${index + 1}`.toLowerCase();
  return { id: newId(), name: `${first} ${last}`, mailbox, orders };
}

function generateOrder({ itemsPerOrder }: SeedPlan, below: DrawBelow, index: number): SeedOrder {
  const { status, isPaid } = MOVES[index % MOVES.length]!;
  const later = (time: number): number => time + 1 + below(MOVED_WITHIN_MS);
  const placedAt = START_MS + below(PLACED_WITHIN_HOURS) * HOUR_MS + below(HOUR_MS);
  const paidAt = isPaid ? later(placedAt) : null;
  const items = Array.from({ length: itemsPerOrder }, () => generateItem(below));
  return {
    id: newId(),
    status,
    placedAt,
    paidAt,
    shippedAt: status === 'shipped' ? later(paidAt ?? placedAt) : null,
    cancelledAt: status === 'cancelled' ? later(paidAt ?? placedAt) : null,
    totalCents: items.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0),
    items,
  };
}

function generateItem(below: DrawBelow): SeedItem {
  const product = below(SKUS);
  return { sku: `SKU-${1_000 + product}`, quantity: 1 + below(5), unitPriceCents: 99 + ((product * 7_919) % 20_000) };
}

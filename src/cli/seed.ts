import { type Progress, progressBar } from './progress-bar.js';
import { ConfigError, readConfig } from '../platform/config/config.js';
import { DaybookError, StartError } from '../platform/errors.js';
import { type Command, UsageError, parseOptions } from './command.js';

const USAGE = `Usage: daybook seed [options], or in a checkout: npm run seed -- [options]

Adds generated customers and orders of all statuses, with their entries, to the books. For development and demonstrations:
it refuses to run with NODE_ENV=production. The same seed gives the same books, apart from ids; seeding again adds more.

  --orders      number of orders (1000)
  --customers   number of customers; by default one for each 5 orders, and at most 10,000
  --items       items of each order, from 1 to 100 (3)
  --seed        a number from 0 to 4294967295 (1)
  --account     the name of the account; by default open, the books of an installation without keys

Writes many transactions, and shows its progress on standard error. An interrupted run keeps the transactions that it committed.
The books are in the database of DATABASE_URL, or in the embedded one under DATA_DIR; the service may be stopped.
Exit code: 0 done, 1 it cannot be done, 2 the command is not valid.`;

const OPTIONS = {
  orders: { type: 'string', default: '1000' },
  customers: { type: 'string' },
  items: { type: 'string', default: '3' },
  seed: { type: 'string', default: '1' },
  account: { type: 'string', default: 'open' },
} as const;

const MAX_ORDERS = 100_000_000;
const ORDERS_PER_CUSTOMER = 5;
const MAX_DEFAULT_CUSTOMERS = 10_000;
/** The orders of a customer are in one transaction, and in memory at once. */
const MAX_ORDERS_PER_CUSTOMER = 2_000;

async function run(args: string[]): Promise<number> {
  const { account, ...plan } = planOf(args);
  const config = readConfig();
  // Loaded after the arguments are checked: it takes half a second.
  const { seedBooks } = await import('./seed-database.js');
  const progress: Progress = progressBar(plan.orders, 'orders', process.stderr);
  try {
    await seedBooks(config, account, plan, (orders) => progress.add(orders));
  } finally {
    progress.end();
  }
  const { customers, orders, itemsPerOrder } = plan;
  const [shownOrders, shownItems] = [orders, orders * itemsPerOrder].map((count) => count.toLocaleString('en'));
  console.log(`${customers.toLocaleString('en')} customers, ${shownOrders} orders, ${shownItems} items`);
  return 0;
}

function planOf(args: string[]) {
  const { values } = parseOptions({ args, options: OPTIONS });
  const orders = integer('orders', values.orders, 1, MAX_ORDERS);
  const usual = Math.min(MAX_DEFAULT_CUSTOMERS, Math.ceil(orders / ORDERS_PER_CUSTOMER));
  const fewest = Math.ceil(orders / MAX_ORDERS_PER_CUSTOMER);
  const customers =
    values.customers === undefined
      ? Math.max(usual, fewest)
      : integer('customers', values.customers, fewest, MAX_ORDERS);
  return {
    account: values.account,
    customers,
    orders,
    itemsPerOrder: integer('items', values.items, 1, 100),
    seed: integer('seed', values.seed, 0, 4_294_967_295),
  };
}

/** @throws UsageError */
function integer(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be a number from ${min} to ${max}`);
}

const FAILURES = [ConfigError, StartError, DaybookError];

export const seed: Command = {
  name: 'seed',
  usage: USAGE,
  run,
  exitCodeOf: (error) => (FAILURES.some((failure) => error instanceof failure) ? 1 : undefined),
};

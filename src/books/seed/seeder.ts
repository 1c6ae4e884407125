import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { type Copy, Database, type Query } from '../../platform/database/database.js';
import { type SeedCustomer, type SeedPlan, generateCustomer } from './generated-books.js';
import { SeedingOff } from './seed.errors.js';
import { type SeedRun, SeedStore } from './seed.store.js';

/** Orders and items that are in memory at once. Generating them keeps the process busy for some 10 ms. */
const CHUNK_ROWS = 8_000;

/** Writes generated books. */
@Injectable()
export class Seeder {
  constructor(
    private readonly database: Database,
    private readonly store: SeedStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'NODE_ENV' | 'BASE_CURRENCY'>,
  ) {}

  /** @throws SeedingOff */
  checkAllowed(): void {
    if (this.config.NODE_ENV === 'production') throw new SeedingOff();
  }

  /**
   * Writes all of the books in the caller's transaction.
   * @throws EmailTaken, PeriodClosed
   */
  async writeWithin(query: Query, copy: Copy, account: string, wanted: Omit<SeedPlan, 'currency'>): Promise<void> {
    const plan = this.planOf(wanted);
    const run = await this.startRun(query, account, plan);
    for (const customers of chunks(plan)) await this.store.insert(query, copy, run, customers);
  }

  /**
   * Writes the books in many transactions, for more than one can hold.
   * @param written Gets the number of orders after each transaction.
   * @throws EmailTaken, PeriodClosed
   */
  async writeInParts(
    account: string,
    wanted: Omit<SeedPlan, 'currency'>,
    written: (orders: number) => void,
  ): Promise<void> {
    const plan = this.planOf(wanted);
    let run: SeedRun | undefined;
    for (const customers of chunks(plan)) {
      await this.database.inBulkTransaction(async (query, copy) => {
        run ??= await this.startRun(query, account, plan);
        await this.store.insert(query, copy, run, customers);
      });
      written(customers.reduce((sum, { orders }) => sum + orders.length, 0));
    }
  }

  private planOf(wanted: Omit<SeedPlan, 'currency'>): SeedPlan {
    return { ...wanted, currency: this.config.BASE_CURRENCY };
  }

  private async startRun(query: Query, account: string, plan: SeedPlan): Promise<SeedRun> {
    const { mailbox } = generateCustomer({ ...plan, orders: 0 }, 0);
    const [before, after] = [`seed-${plan.seed}-`, '.example'];
    const number = await this.store.nextRun(query, account, plan.seed, `${mailbox}@${before}`, after);
    return { account, currency: plan.currency, domain: `${before}${number}${after}` };
  }
}

/** Generates the customers in chunks, each with at least one customer. */
function* chunks(plan: SeedPlan): Generator<SeedCustomer[]> {
  const rowsOf = ({ orders }: SeedCustomer): number => 1 + orders.length * (1 + plan.itemsPerOrder);
  let chunk: SeedCustomer[] = [];
  let rows = 0;
  for (let index = 0; index < plan.customers; index++) {
    const customer = generateCustomer(plan, index);
    chunk.push(customer);
    rows += rowsOf(customer);
    if (rows < CHUNK_ROWS && index < plan.customers - 1) continue;
    yield chunk;
    [chunk, rows] = [[], 0];
  }
}
